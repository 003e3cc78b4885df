"""Rules as code: findings, tests beside a rule, and differences between two versions."""
