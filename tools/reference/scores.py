"""Writes test/fixtures/bleu.json and scores.json: the scores of the COCO caption evaluation.

    python3 tools/reference/scores.py

Sentences are taken as already tokenised.

Corpus BLEU of Papineni et al. (2002) with two habits of coco-caption: the reference length of a
candidate is the closest of its references (the shorter one of two equally close), and a precision is
(matches + 1e-15) / (n-grams + 1e-9), so that nothing divides by zero.

ROUGE-L of Lin (2004), beta 1.2, with the best precision and the best recall over the references.
It splits at single spaces, so that an empty sentence is one empty word; the others split at any
white space.

CIDEr-D of Vedantam et al. (2015), which coco-caption calls CIDEr: its length of a sentence is the
number of its word pairs, its weights are log(images) - log(max(1, document frequency)), a vector
of length zero contributes nothing, and the mean over orders and references is multiplied by 10.
"""

from collections import Counter
from math import exp

import numpy as np
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


def lcs(a, b):
    table = np.zeros((len(a) + 1, len(b) + 1), dtype=int)
    for i, word in enumerate(a):
        for j, other in enumerate(b):
            best = max(table[i, j + 1], table[i + 1, j])
            table[i + 1, j + 1] = table[i, j] + 1 if word == other else best
    return int(table[-1, -1])


def rouge(candidate, references, beta=1.2):
    words = candidate.split(" ")
    lengths = [(lcs(reference.split(" "), words), len(reference.split(" "))) for reference in references]
    precision = max(common / len(words) for common, _ in lengths)
    recall = max(common / length for common, length in lengths)
    if precision == 0 or recall == 0:
        return 0.0
    return (1 + beta**2) * precision * recall / (recall + beta**2 * precision)


def document_frequencies(references):
    frequencies = Counter()
    for captions in references:
        frequencies.update({gram for text in captions for n in ORDERS for gram in ngrams(text.split(), n)})
    return frequencies


def tf_idf(text, frequencies, images):
    words = text.split()
    vectors = []
    for n in ORDERS:
        weigh = lambda gram: np.log(float(images)) - np.log(max(1.0, frequencies[gram]))  # noqa: E731
        vectors.append({gram: count * weigh(gram) for gram, count in ngrams(words, n).items()})
    norms = [np.sqrt(sum(weight**2 for weight in vector.values())) for vector in vectors]
    return vectors, norms, sum(ngrams(words, 2).values())


def cider(candidate, references, frequencies, images, plain=False, sigma=6.0):
    total = np.zeros(4)
    vectors, norms, pairs = tf_idf(candidate, frequencies, images)
    for reference in references:
        others, other_norms, other_pairs = tf_idf(reference, frequencies, images)
        for k in range(4):
            value = 0.0
            for gram, weight in vectors[k].items():
                other = others[k].get(gram, 0.0)
                value += (weight if plain else min(weight, other)) * other
            if norms[k] != 0 and other_norms[k] != 0:
                value /= norms[k] * other_norms[k]
            total[k] += value if plain else value * np.e ** (-((pairs - other_pairs) ** 2) / (2 * sigma**2))
    return float(np.mean(total) / len(references) * 10.0)


def all_scores(sets, table=None):
    references = [captions for _, captions in sets]
    frequencies, images = table or (document_frequencies(references), len(sets))
    d = [cider(c, r, frequencies, images) for c, r in sets]
    plain = [cider(c, r, frequencies, images, plain=True) for c, r in sets]
    rouges = [rouge(c, r) for c, r in sets]
    each = [counts(c, r) for c, r in sets]
    entry = {
        "sets": [{"candidate": c, "references": r} for c, r in sets],
        "bleu": corpus(sets)["bleu"],
        "bleuPerImage": [bleu(*image) for image in each],
        "rougeL": float(np.mean(rouges)),
        "rougeLPerImage": rouges,
        "cider": float(np.mean(d)),
        "ciderPerImage": d,
        "ciderPlain": float(np.mean(plain)),
        "ciderPlainPerImage": plain,
    }
    if table:
        entry["table"] = {"images": images, "counts": {" ".join(g): n for g, n in frequencies.items()}}
    return entry


def score_cases():
    """Ordinary captions, and what a scorer can stumble over."""
    ordinary = random_sets("scores", 30)
    single = [(candidate, references[:1]) for candidate, references in ordinary[:12]]
    empty = [("" if i % 3 == 0 else c, ["", *r] if i % 4 == 0 else r) for i, (c, r) in enumerate(ordinary[:12])]
    others = random_sets("other images", 40)
    table = document_frequencies([references for _, references in others]), len(others)
    return {
        "ordinary": all_scores(ordinary),
        "single_references": all_scores(single),
        "empty_captions": all_scores([*empty, ("", [""]), ("", ["", "a dog"]), ("dog", [""])]),
        # log(1) = 0 weighs everything nothing.
        "one_image": all_scores([("a dog runs in grass", ["a dog runs in grass", "the dog"])]),
        # No pairs, so no vectors of higher orders, and lengths 0 and 1 count as equal.
        "one_word": all_scores([("dog", ["dog", "a dog"]), ("cat", ["dog"]), ("", ["cat"]), ("a", ["a"])]),
        # Every n-gram stands in every image: all weights are 0.
        "all_the_same": all_scores([("a man on the beach", ["a man on the beach"])] * 4),
        "repeated_words": all_scores(
            [
                ("a a a a a a a a dog dog dog dog", ["a dog a dog", "a a dog"]),
                ("the red ball the red ball the red ball", ["the red ball in the grass"]),
                ("dog", ["dog dog dog dog"]),
                *ordinary[:4],
            ]
        ),
        "far_lengths": all_scores(
            [
                (" ".join(["a dog runs"] * 12), ["a dog runs", "a dog"]),
                ("a dog", [" ".join(["a dog runs over the grass"] * 5)]),
                *ordinary[4:8],
            ]
        ),
        "punctuation": all_scores(
            [
                ("a man 's t-shirt -lrb- red -rrb- is n't on", ["the man 's t-shirt is n't red", "-lrb- red"]),
                ("?! !! & % $ 5 1\\/2", ["$ 5 & 1\\/2", "?! what", "100 %"]),
                ("__proto__ constructor toString", ["constructor toString", "__proto__ of __proto__"]),
                ("\u00e9t\u00e9 \u72ac \u00df", ["\u00e9t\u00e9 \u72ac", "e\u0301te\u0301 \u72ac"]),
            ]
        ),
        # One word for ROUGE-L, two for the others.
        "no_break_space": all_scores(
            [
                ("5\u00a01\\/2 feet of snow", ["5 1\\/2 feet of snow", "5\u00a01\\/2 feet"]),
                ("5 1\\/2 feet of snow", ["5\u00a01\\/2 feet of snow"]),
                ("snow", ["feet of snow"]),
            ]
        ),
        "saved_table": all_scores(ordinary[:10], table),
        "table_of_one_image": all_scores(
            ordinary[:3], (document_frequencies([["a dog runs", "the dog"]]), 1)
        ),
    }


def main():
    write_fixture("scores.json", score_cases())
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
