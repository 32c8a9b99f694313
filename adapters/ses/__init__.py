"""E-seals (电子印章) and their signatures: GB/T 38540-2020, GM/T 0031-2014 and GM/T 0031-2025."""
