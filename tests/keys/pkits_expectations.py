"""Where the product does not say of a PKITS test what PKITS says, with the reason; the rest must be as PKITS has it.

All of these are stricter: a valid path that is not called good. Nothing may ever be laxer.
"""

DSA = "DSA is not in the table of algorithms; no licence in China is signed with it"
INDIRECT = "indirect revocation lists (another issuer than the CA) are not supported: unknown"
PARTIAL = (
    "the list covers one distribution point by a relative name, or only some reasons, and is not put together with"
    " others: unknown"
)

STRICTER = {
    "ValidDSASignaturesTest4": DSA,
    "ValidDSAParameterInheritanceTest5": DSA,
    "ValidIDPwithindirectCRLTest22": INDIRECT,
    "ValidIDPwithindirectCRLTest24": INDIRECT,
    "ValidIDPwithindirectCRLTest25": INDIRECT,
    "ValidcRLIssuerTest28": INDIRECT,
    "ValidcRLIssuerTest29": INDIRECT,
    "ValidcRLIssuerTest30": INDIRECT,
    "ValidcRLIssuerTest33": INDIRECT,
    "ValiddistributionPointTest4": PARTIAL,
    "ValiddistributionPointTest5": PARTIAL,
    "ValiddistributionPointTest7": PARTIAL,
    "ValidonlySomeReasonsTest18": PARTIAL,
    "ValidonlySomeReasonsTest19": PARTIAL,
}

# What PKITS asks for and is not run, and why.
NOT_RUN = (
    (
        "tests repeated under other settings (initial policy set, explicit policy, inhibited mapping: 4.8 to 4.12)",
        (
            "`build_chain` takes no such settings: any policy will do, which is the first setting of each test. What"
            " certificates demand of policies is kept; whom to believe for what is said by the trust list."
        ),
    ),
    ("S/MIME messages and PKCS #12 files", "the same certificates in other envelopes, which the gateway does not read"),
    ("4.8.1, which repeats 4.1.1 under four settings", "it has no end certificate of its own; 4.1.1 is run"),
)
