"""A realistic summary of a study that never was: 12 tasks of incident messages, a budgeted search."""

import random

from forelearn.report.summary import (
    Answer,
    BaselineRow,
    CostRow,
    Counts,
    CurvePoint,
    Document,
    EncoderRow,
    Explanation,
    FailureRow,
    Further,
    Interval,
    Obtained,
    PairRow,
    Summary,
    TaskRow,
    Term,
    Word,
)

NAMES = (
    "Caution and advice",
    "Donations and volunteering",
    "Infrastructure damage",
    "Injured or dead people",
    "Missing or found people",
    "Needs of the affected",
    "Sympathy and support",
    "Eyewitness",
    "Government source",
    "Media source",
    "Related and informative",
    "Other useful information",
)
TEXTS = (
    "Red Cross shelter is open at the high school, bring blankets and water if you can #flood",
    "Please RT: donate to the relief fund — text GIVE to 90999, volunteers still needed tonight!",
    "Bridge on Route 9 has collapsed; avoid the area and follow official advice from the county.",
)


def key(*parts: object) -> str:
    return f"{random.Random(repr(parts)).getrandbits(80):020x}"


def around(rng: random.Random, mean: float, width: float) -> Interval:
    return Interval(round(mean, 5), round(mean - width * rng.uniform(0.8, 1.2), 5), round(mean + width, 5))


def explanation(rng: random.Random, source: str, target: str) -> Explanation:
    documents = []
    for row, text in enumerate(TEXTS):
        words = []
        for part in text.split(" "):
            strong = part.lower().strip("#:,.!") in {
                "donate",
                "volunteers",
                "shelter",
                "blankets",
                "relief",
                "bridge",
            }
            a = rng.uniform(0.2, 0.6) if strong else rng.gauss(0.0, 0.06)
            b = rng.uniform(0.1, 0.5) if strong else rng.gauss(0.0, 0.06)
            words.append(Word(part, round(a, 4), round(b, 4), a >= 0.05, b >= 0.05))
        documents.append(Document(f"tweet-{1000 + row}", "positive", tuple(words)))
    return Explanation(source, target, 0.05, tuple(documents))


def fake_pairs(rng: random.Random, names: tuple[str, ...]) -> list[PairRow]:
    quality = {name: rng.gauss(0.01, 0.03) for name in names}
    rows = []
    for target in names:
        open_to = rng.gauss(-0.02, 0.035)
        for source in names:
            if source == target:
                continue
            true = quality[source] + open_to + rng.gauss(0, 0.02)
            predicted = around(rng, 0.6 * true + rng.gauss(0, 0.01), 0.045)
            tried = predicted.mean > 0.012 or rng.random() < 0.15
            status = "run" if tried else "not tried"
            reason = "" if tried else "predicted below the pairs that the budget paid for"
            if source == names[10]:
                status, reason = "set aside", "97 % of its examples are positive"
            elif tried and rng.random() < 0.03:
                status, reason = "failed", "the loss was not finite at step 40"
            obtained = None
            if status == "run":
                gain = true + rng.gauss(0, 0.01)
                obtained = Obtained(
                    round(gain + rng.gauss(0, 0.01), 5), round(gain, 5), (0,), around(rng, gain, 0.03)
                )
            rows.append(
                PairRow(
                    source,
                    target,
                    status,
                    reason,
                    prior=round(rng.random(), 4),
                    predicted=predicted if status != "set aside" else None,
                    obtained=obtained,
                    features={"textemb": round(rng.gauss(0, 0.3), 4), "overlap": rng.random(), "size": None},
                    ansat=tuple(round(3.2 * rng.uniform(0.9, 1.1) * 0.72**step, 4) for step in range(14)),
                    keys=(key(source, target, 0),) if status == "run" else (),
                )
            )
    return rows


def fake_controls(rng: random.Random, names: tuple[str, ...]) -> list[PairRow]:
    """Every control of every other target; of the rest only the better of two seeds."""
    rows = []
    for index, target in enumerate(names):
        if index % 2 == 0:
            for source in (target, "train longer"):
                gain = around(rng, rng.gauss(0.004, 0.01), 0.02)
                made = (key(source, target, "control"),)
                rows.append(
                    PairRow(
                        source, target, "run", obtained=Obtained(gain.mean, gain.mean, (0,), gain), keys=made
                    )
                )
        rows.append(PairRow("another seed", target, "run", obtained=Obtained(0.004, 0.002, (0, 1, 2))))
    return rows


def fake_answer(rng: random.Random, target: str, baseline: float, pairs: list[PairRow]) -> Answer:
    tried = sorted((p for p in pairs if p.target == target and p.obtained), key=lambda p: -p.obtained.dev)
    negative = tuple(p.source for p in tried if p.obtained.interval.high < 0)
    spent = {"runs": len(tried) + 3, "seconds": 31.0 * (len(tried) + 3)}
    if not tried:
        return Answer(
            target, "not enough evidence", (), None, 0, None, baseline, None,
            "No source was tried: none was predicted to gain more than it costs.",
            more="4 more runs would try the two best guesses twice each.", further=Further(4, "to try them"),
            **spent,
        )  # fmt: skip
    best = tried[0]
    gain = around(rng, best.obtained.test * 0.8, 0.018)
    terms = (
        Term("donate", 14, 0.31, 0.24),
        Term("volunteers", 9, 0.22, 0.27),
        Term("shelter", 6, 0.18, 0.12),
    )
    common = {
        "rival": tried[1].source if len(tried) > 1 else "no transfer",
        "rival_gain": around(rng, gain.mean * 0.7, 0.02) if len(tried) > 1 else None,
        "dev_gain": around(rng, gain.mean, 0.02),
        "predicted": best.predicted, "baseline": baseline, "n_seeds": 3, "negative": negative, "terms": terms,
        "more": "12 more runs would try the remaining 6 sources twice each.",
        "further": Further(12, "to try them", 372.0, 116.1), **spent,
    }  # fmt: skip
    if gain.low > 0 and len(tried) > 2 and tried[1].obtained.dev > best.obtained.dev - 0.004:
        return Answer(
            target, "tied", (best.source, tried[1].source), gain, performance=baseline + gain.mean,
            reason="Two sources help and three seeds do not tell them apart.", **common,
        )  # fmt: skip
    if gain.low > 0:
        winner = key(best.source, target, 7)
        return Answer(
            target, "transfer", (best.source,), gain, performance=baseline + gain.mean,
            reason=f"{best.source} helps on all 3 fresh seeds; it shares 3.1 active terms a document.",
            weights_key=winner, export_hint=f"forelearn export {winner} trained/", **common,
        )  # fmt: skip
    decision = "do not transfer" if gain.high < 0.02 else "not enough evidence"
    reason = (
        f"No source beats training alone; tried: {len(tried)}."
        if decision == "do not transfer"
        else f"The best of {len(tried)} sources, {best.source}, may help or harm: the interval holds 0."
    )
    return Answer(
        target, decision, (best.source,), gain, performance=baseline + gain.mean, reason=reason, **common
    )


def fake_summary(names: tuple[str, ...] = NAMES, *, seed: int = 4) -> Summary:
    rng = random.Random(seed)
    pairs = fake_pairs(rng, names)
    tasks, baselines, answers = [], [], []
    recipe = {"learning_rate": 5e-5, "epochs": 3, "batch_size": 32, "precision": "fp32"}
    for name in names:
        positives = Counts(*(rng.randrange(40, 600) // part for part in (1, 3, 1)))
        labels = ("no", "yes")
        tasks.append(
            TaskRow(
                name, "binary", labels, "average_precision", Counts(1500, 500, 1500), positives, 17, key(name)
            )
        )
        level = rng.uniform(0.2, 0.75)
        values = tuple(round(level + rng.gauss(0, 0.03), 5) for _ in range(3))
        others = {"f1": level - 0.05, "accuracy": 0.86, "precision": level, "recall": level - 0.1}
        keys = tuple(key(name, s) for s in range(3))
        baselines.append(
            BaselineRow(
                name, recipe, (0.5,) * 3, (0, 1, 2), tuple(v + 0.01 for v in values), values, keys, others
            )
        )
        answers.append(fake_answer(rng, name, sum(values) / 3, pairs))
    winners = {(a.sources[0], a.target): a.gain for a in answers if a.sources and a.gain}
    pairs = [
        PairRow(
            **{f: getattr(p, f) for f in p.__dataclass_fields__} | {"confirmed": winners[p.source, p.target]}
        )
        if (p.source, p.target) in winners
        else p
        for p in pairs
    ]
    tried = sum(p.status == "run" for p in pairs)
    mean = sum(a.baseline for a in answers) / len(answers)
    curve = [CurvePoint(0.083, 1110.0, mean, 36)]
    for step in range(1, tried // 4 + 1):
        lift = 0.022 * (1 - 0.7**step) + rng.gauss(0, 0.001)
        curve.append(CurvePoint(0.083 + 0.0095 * step, 1110.0 + 31 * 4 * step, mean + lift, 36 + 4 * step))
    return Summary(
        version="0.1.0",
        study="Crisis messages",
        made="2025-03-04T09:30:00Z",
        metric="average_precision",
        level=0.9,
        encoder=EncoderRow("MiniLM-L6-v2", key("encoder"), 6, 384, 22_713_216),
        budget="21% of the exhaustive cost",
        tasks=tuple(tasks),
        baselines=tuple(baselines),
        pairs=tuple(pairs),
        answers=tuple(answers),
        controls=tuple(fake_controls(random.Random(seed), names)),
        curve=tuple(curve),
        costs=(
            CostRow("baselines", 36, 41.3e6, 1110.0),
            CostRow("features", 12, 4.1e6, 128.0),
            CostRow("pairs", tried, 1.15e6 * tried, 31.0 * tried),
            CostRow("confirmation", 30, 34.5e6, 930.0),
        ),
        exhaustive=CostRow("exhaustive", 432, 497.0e6, 13390.0),
        failures=tuple(
            FailureRow(key("failed", p.source, p.target), f"{p.source} → {p.target}", p.reason)
            for p in pairs
            if p.status == "failed"
        ),
        explanations=tuple(explanation(rng, *pair) for pair in list(winners)[:8]),
        settings={
            "name": "Crisis messages",
            "splits": {"by": "group", "dev": 0.15, "test": 0.25, "seed": 0},
            "recipe": {"learning_rate": [2e-5, 5e-5], "epochs": 3},
            "search": {
                "budget": "21%",
                "seeds": 3,
                "confirm_seeds": 3,
                "features": ["f1", "ansat", "textemb"],
            },
        },
        environment={
            "python": "3.11.2",
            "torch": "2.13.0",
            "device": "cpu",
            "threads": 1,
            "precision": "fp32",
        },
        notes=(
            "With one seed a pair, the gain of the pick is overstated; the answers use three fresh seeds.",
            "2 near duplicates between test and training documents of Eyewitness were left in.",
        ),
        set_aside={names[10]: "97 % of its examples are positive: learning it teaches almost nothing."},
    )
