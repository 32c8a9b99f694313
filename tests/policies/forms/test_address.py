"""Addresses: cut at the district, or not shown at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.forms import address
from policies.forms.address import LONGEST_PLACE, parse_address


@pytest.mark.parametrize(
    ("place", "city"),
    [
        ("合肥市蜀山区", "合肥市"),
        ("安徽省合肥市肥东县", "安徽省合肥市"),
        ("北京市朝阳区", "北京市"),
        ("北京市市辖区东城区", "北京市"),
        ("上海市浦东新区", "上海市"),
        ("重庆市彭水苗族土家族自治县", "重庆市"),
        ("青岛市市南区", "青岛市"),
        ("荆州市沙市区", "荆州市"),
        ("常德市津市市", "常德市"),
        ("新乡市红旗区", "新乡市"),
        ("哈尔滨市道里区", "哈尔滨市"),
        ("南京市鼓楼区", "南京市"),
        ("台州市路桥区", "台州市"),
        ("广州市天河区", "广州市"),
        ("景德镇市昌江区", "景德镇市"),
        ("南宁市西乡塘区", "南宁市"),
        ("内蒙古自治区鄂尔多斯市鄂托克前旗", "内蒙古自治区鄂尔多斯市"),
        ("内蒙古自治区包头市白云鄂博矿区", "内蒙古自治区包头市"),
        ("内蒙古自治区兴安盟扎赉特旗", "内蒙古自治区兴安盟"),
        ("新疆维吾尔自治区克拉玛依市克拉玛依区", "新疆维吾尔自治区克拉玛依市"),
        ("新疆维吾尔自治区巴音郭楞蒙古自治州和静县", "新疆维吾尔自治区巴音郭楞蒙古自治州"),
        ("塔城地区乌苏市", "塔城地区"),
        ("延边朝鲜族自治州延吉市", "延边朝鲜族自治州"),
        ("云南省临沧市双江拉祜族佤族布朗族傣族自治县", "云南省临沧市"),
        ("湖北省神农架林区", "湖北省"),
        ("东莞市", "东莞市"),
        ("东营市东营区", "东营市"),
        ("宜昌市点军区", "宜昌市"),
        ("成都市双流区", "成都市"),
        ("梅州市梅县区", "梅州市"),
        ("新乡市辉县市", "新乡市"),
        ("南平市政和县", "南平市"),
        ("阳泉市郊区", "阳泉市"),
        ("北京市石景山区", "北京市"),
        ("伊犁哈萨克自治州尼勒克县", "伊犁哈萨克自治州"),
        ("昌吉回族自治州木垒哈萨克自治县", "昌吉回族自治州"),
        ("呼伦贝尔市鄂伦春自治旗", "呼伦贝尔市"),
        ("南充市南部县", "南充市"),
    ],
)
@pytest.mark.parametrize("rest", ["长江西路1号", "", "幸福小区3栋", "振兴街道光明社区"])
def test_an_address_is_cut_at_its_district(place: str, city: str, rest: str) -> None:
    """Whatever follows the district is not shown, however long the address is."""
    parsed = parse_address(place + rest)
    assert parsed is not None
    assert parsed.district == place
    assert parsed.city == city


@pytest.mark.parametrize(
    "text",
    [
        "",
        "合肥市",
        "蜀山区长江西路1号",
        "合肥市幸福小区3栋",
        "合肥市光明社区",
        "合肥市恒大绿洲西区5栋",
        "合肥市万达广场三区",
        "合肥市长江路市场",
        "合肥市新乡市场",
        "合肥市红旗路1号",
        "合肥市花山镇幸福区",
        "合肥市高新技术产业开发区创新大道",
        "合肥市科学岛研究院区",
        "安徽省军区合肥第一干休所3号",
        "南京市军区总医院家属院",
        "合肥市军区1号",
        "合肥市空军区",
        "合肥市警备区1号",
        "安徽省合肥市监狱区",
        "安徽省第二监区",
        "合肥市二监区",
        "合肥市女子监狱三监区",
        "合肥市师部区",
        "合肥市少管区",
        "合肥市戒毒区",
        "合肥市病区3床",
        "合肥市重症病区3床",
        "合肥市隔离区",
        "合肥市营区",
        "合肥市教学区",
        "合肥市王小明区",
        "合肥市王小明家县",
        "合肥市张大千纪念县",
        "合肥市王小明自治县",
        "包头市王小明旗",
        "合肥市\u202e蜀山区",
        "合肥市蜀山区\n长江西路",
        "合肥市蜀山区" + "长" * 200,
    ],
)
def test_an_address_that_cannot_be_told_is_hidden(text: str) -> None:
    """Estates, streets, markets, zones and texts without a city are no districts."""
    assert parse_address(text) is None


@given(st.text() | st.text(alphabet="合肥市蜀山区县旗自治州路街镇小北京省安徽", max_size=60))
def test_a_place_is_a_short_beginning(text: str) -> None:
    """A parsed place is how the address begins, ends like a place, and is no longer than places are."""
    place = parse_address(text)
    if place is not None:
        assert text.startswith(place.district)
        assert place.district.startswith(place.city)
        assert place.district[-1] in "区县市旗"
        assert len(place.district) <= LONGEST_PLACE


_PARTS = st.sampled_from(
    ["安徽省", "北京市", "重庆市", "合肥市", "蜀山区", "市辖区", "某某县", "大同地区", "沙市区", "市南区", "凉山州",
     "凉山彝族自治州", "景德镇市", "西乡塘区", "红旗", "民政区", "某小区", "东区", "某某路1号"]
)  # fmt: skip
_ADDRESSES = st.lists(_PARTS | st.text(alphabet="合肥蜀山省市区县旗东民场社路镇乡自治州地盟", max_size=4), max_size=5)


@given(_ADDRESSES.map("".join))
def test_the_short_way_reads_what_the_long_way_reads(text: str) -> None:
    """An address that is read in one go has the same city and district when it is read step by step."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(address, "_USUAL_AT", lambda _: None)
        careful = parse_address(text)
    assert parse_address(text) == careful
