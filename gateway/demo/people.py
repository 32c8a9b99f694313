"""The invented people and companies of the demo's licences."""

from dataclasses import dataclass
from datetime import date

from gateway.demo.licences import Party
from gateway.demo.numbers import citizen_id, credit_code
from gateway.demo.offices import Province


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An invented person; ``order`` is the sequence part of the citizen ID, odd for men."""

    name: str
    born: date
    order: int

    @property
    def sex(self) -> str:
        """Tell the sex as licences print it."""
        return "男" if self.order % 2 else "女"

    def party(self, province: Province) -> Party:
        """Make the person a holder with a citizen ID of the province's unassigned area."""
        return Party(name=self.name, code=citizen_id(province.area, self.born, self.order))


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """An invented company; ``organisation`` is the organisation part of its credit code."""

    name: str
    organisation: str
    person: Person
    capital: str
    scope: str

    def party(self, province: Province) -> Party:
        """Make the company a holder."""
        return Party(name=self.name, code=credit_code("91", province.area, self.organisation))


ANHUI_PEOPLE = (
    Person(name="林晓禾", born=date(1986, 3, 14), order=26),
    Person(name="程远舟", born=date(1979, 11, 2), order=51),
    Person(name="方砚秋", born=date(1990, 7, 23), order=13),
    Person(name="苏予安", born=date(2024, 1, 1), order=7),  # the day of birth follows the day of issue
    Person(name="贺知行", born=date(1994, 5, 30), order=35),
    Person(name="陶星若", born=date(1995, 9, 8), order=42),
    Person(name="汪沐阳", born=date(1988, 12, 19), order=19),
    Person(name="戴立冬", born=date(1983, 11, 8), order=77),
)
SHANDONG_PEOPLE = (
    Person(name="迟海澜", born=date(1982, 6, 5), order=64),
    Person(name="丛向北", born=date(1975, 2, 27), order=33),
    Person(name="宋闻溪", born=date(1992, 10, 16), order=28),
    Person(name="鲁一诺", born=date(2024, 1, 1), order=18),
    Person(name="姜望岳", born=date(1991, 4, 11), order=91),
    Person(name="曲清和", born=date(1993, 8, 21), order=56),
    Person(name="于观澜", born=date(1987, 1, 9), order=45),
    Person(name="孔长路", born=date(1980, 5, 25), order=17),
)
ANHUI_COMPANIES = (
    Company(
        name="云溪市青禾软件有限公司",
        organisation="MADEM341",
        person=ANHUI_PEOPLE[0],
        capital="伍佰万圆整",
        scope="软件开发；信息系统集成服务；数据处理和存储支持服务；计算机软硬件及辅助设备批发；技术咨询、技术服务。"
        "（除依法须经批准的项目外，凭营业执照依法自主开展经营活动）",
    ),
    Company(
        name="云溪市麦香园食品有限公司",
        organisation="MADEM342",
        person=ANHUI_PEOPLE[1],
        capital="贰佰万圆整",
        scope="食品销售；糕点、面包制造；农副产品销售；餐饮管理；外卖递送服务。"
        "（依法须经批准的项目，经相关部门批准后方可开展经营活动）",
    ),
    Company(
        name="云溪市徽韵茶业有限公司",
        organisation="MADEM343",
        person=ANHUI_PEOPLE[2],
        capital="壹佰贰拾万圆整",
        scope="茶叶种植；茶叶制品生产；食品销售；工艺美术品及收藏品零售；会议及展览服务；组织文化艺术交流活动。",
    ),
)
SHANDONG_COMPANIES = (
    Company(
        name="海棠市远帆船舶服务有限公司",
        organisation="MADEM371",
        person=SHANDONG_PEOPLE[0],
        capital="壹仟万圆整",
        scope="船舶修理；船舶港口服务；国际船舶代理；国内货物运输代理；五金产品批发；机械设备租赁；装卸搬运。"
        "（依法须经批准的项目，经相关部门批准后方可开展经营活动）",
    ),
    Company(
        name="海棠市渔家湾水产食品有限公司",
        organisation="MADEM372",
        person=SHANDONG_PEOPLE[1],
        capital="叁佰捌拾万圆整",
        scope="水产品批发；水产品零售；食品销售；低温仓储；初级农产品收购；货物进出口。",
    ),
)
