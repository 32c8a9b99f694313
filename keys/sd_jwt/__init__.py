"""A licence as a credential that its holder carries: SD-JWT VC, issued, presented and verified.

RFC 9901 (SD-JWT) and draft-ietf-oauth-sd-jwt-vc-19, in the compact form. Which fields a credential holds at all is a
decision of the sharing policy and comes before; here every field that comes in goes out.
"""
