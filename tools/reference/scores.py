"""Writes test/fixtures/bleu.json: BLEU-1..4 as the COCO caption evaluation computes it.

    python3 tools/reference/scores.py

Corpus BLEU of Papineni et al. (2002) with two habits of coco-caption: the reference length of a
candidate is the closest of its references (the shorter one of two equally close), and a precision is
(matches + 1e-15) / (n-grams + 1e-9), so that nothing divides by zero. Sentences are taken as
already tokenised; words are separated by one space.
"""

from collections import Counter
from math import exp

from fixture import generator, write_fixture

TINY, SMALL = 1e-15, 1e-9
ORDERS = (1, 2, 3, 4)


def ngrams(words, n):
    return Counter(tuple(words[k : k + n]) for k in range(len(words) - n + 1))


def counts(candidate, references):
    """Clipped matches and n-grams of each order, the candidate's length, its reference length."""
    words, others = candidate.split(), [reference.split() for reference in references]
    matches, totals = [], []
    for n in ORDERS:
        mine, most = ngrams(words, n), Counter()
        for other in others:
            most |= ngrams(other, n)
        matches.append(sum((mine & most).values()))
        totals.append(sum(mine.values()))
    closest = min((abs(len(other) - len(words)), len(other)) for other in others)[1]
    return matches, totals, len(words), closest


def bleu(matches, totals, candidate_length, reference_length):
    product, scores = 1.0, []
    for n, matched, total in zip(ORDERS, matches, totals):
        product *= (matched + TINY) / (total + SMALL)
        scores.append(product ** (1 / n))
    ratio = (candidate_length + TINY) / (reference_length + SMALL)
    penalty = exp(1 - 1 / ratio) if ratio < 1 else 1.0
    return [score * penalty for score in scores]


def corpus(sets):
    each = [counts(candidate, references) for candidate, references in sets]
    matches = [sum(entry[0][k] for entry in each) for k in range(4)]
    totals = [sum(entry[1][k] for entry in each) for k in range(4)]
    lengths = sum(entry[2] for entry in each), sum(entry[3] for entry in each)
    return {
        "sets": [{"candidate": c, "references": r} for c, r in sets],
        "matches": matches,
        "ngrams": totals,
        "candidateLength": lengths[0],
        "referenceLength": lengths[1],
        "bleu": bleu(matches, totals, *lengths),
        "sentenceBleu": [bleu(*entry) for entry in each],
    }


WORDS = "a the dog man ball red small runs jumps over in grass water with on two".split()


def random_sets(name, number):
    """References vary one another, candidates mix their words: n-grams of all orders do match."""
    rng = generator(name)
    sentence = lambda: list(rng.choice(WORDS, rng.integers(3, 13)))  # noqa: E731

    def varied(words):
        kept = [word for word in words if rng.random() > 0.15]
        return [str(rng.choice(WORDS)) if rng.random() < 0.15 else word for word in kept]

    sets = []
    for _ in range(number):
        base = sentence()
        references = [varied(base) or base for _ in range(rng.integers(1, 6))]
        candidate = varied(base) if rng.random() < 0.8 else sentence()
        sets.append((" ".join(candidate), [" ".join(words) for words in references]))
    return sets


def main():
    sets = random_sets("bleu", 28)
    sets.append(("", ["a dog runs", "the dog runs over grass"]))
    sets.append(("the the the the the", ["the dog in the water", "a the"]))
    write_fixture(
        "bleu.json",
        {
            "random": corpus(sets),
            "identical": corpus([(r[0], r) for _, r in sets[:5]]),
            "disjoint": corpus([("one three five", ["a dog runs", "the dog"])]),
            "empty_candidate": corpus([("", ["a dog runs"])]),
            "one_word": corpus([("dog", ["dog"])]),
            "too_short": corpus([("a dog", ["a dog runs over the grass"])]),
            # Lengths 3 and 5 are equally close to 4: the shorter one counts, so no penalty.
            "tied_length": corpus([("a dog runs in", ["a dog runs in grass", "a dog runs"])]),
        },
    )


main()
