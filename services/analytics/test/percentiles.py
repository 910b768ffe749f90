"""Prints percentiles.json: the same samples as the test's, and their figures, with integers alone."""
import json

cases = []
for seed, n in enumerate([1, 2, 3, 19, 20, 99, 100, 1_000_000]):
    samples = sorted(500 + (i * 48271 + seed * 69621) % 2147483647 % 1000003 for i in range(n))

    def rank(percent, needed):
        return None if n < needed else samples[-(-percent * n // 100) - 1]

    cases.append(
        {
            "seed": seed,
            "n": n,
            "min": samples[0],
            "sum": sum(samples),
            "max": samples[-1],
            "p50": rank(50, 1),
            "p95": rank(95, 20),
            "p99": rank(99, 100),
        }
    )
print(json.dumps(cases, indent=2))
