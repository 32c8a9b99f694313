"""The bodies of requests and answers as types: requests are read into them, the OpenAPI document is made from them."""
