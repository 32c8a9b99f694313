"""The formats of transparency logs, pure: RFC 6962 trees and C2SP notes, checkpoints, tiles, proofs, quorums."""
