"""Stand-ins: small servers that answer as other systems do, for tests, demonstrations and trying out a mapping.

They are made from the same mapping files as the gateway's own client, used the other way round. Their licences are
nobody's, and their passwords and keys are known to everyone.
"""
