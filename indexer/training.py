"""Teaching the encoder what projects and their failures have in common, from graded descriptions.

A description is pulled towards the cases an assessor graded useful for it, in proportion to the grade, and away from those it merely sounds
like. Both sides are seen through random views (some sentences, some passages), so that the encoder learns the content and not one wording.

Judged pairs of a sentence and a passage teach it what makes a reason, in the same way.

Needs torch and the extra `train`: sentence-transformers' trainer with a listwise loss, because none of its losses takes graded relevance
within a batch.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from torch import nn

from indexer.arrays import Embeddings, FloatArray, IntArray
from indexer.description import read_description
from indexer.encoder import Model
from indexer.judged import Judged, JudgedPair
from indexer.passages import case_passages, case_text, headline_text
from kb.case import Case

GAINS = {1: 0.1, 2: 0.4, 3: 1.0}
"""Grade → share of the target; grades between are interpolated."""
_PAIR_GAINS = {1: 0.4, 2: 1.0}
"""Verdict on a pair → share of the target."""
_GENERAL_TEXTS = 3000
_OF_DESCRIPTION = 0.3
"""Share of the target, for a sentence, of the cases that are useful for its description as a whole."""
_SAME_CASE = 0.4
"""Share of the target, for a case's own "is this you" line, of the cases most often graded useful together with it."""


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the outcome depends on, beside the data."""

    seed: int = 0
    epochs: int = 4
    batch: int = 20
    learning_rate: float = 1e-4
    scale: float = 20.0
    """Cosines are multiplied by this before the softmax."""
    max_tokens: int = 160
    """Longer views are cut in training; the encoder afterwards reads as many tokens as before."""
    likeness_share: float = 0.5
    """"Is this you" lines seen in an epoch, as a share of the descriptions."""
    pair_share: float = 0.4
    """Sentences with judged passages seen in an epoch, as a share of the descriptions."""
    hard_negatives: int = 30
    """A negative is drawn from the nearest this many cases of grade 0."""
    retention: float = 10.0
    """Weight of what holds texts of no particular field where they were, see `_with_general_texts`."""


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """What a fold may not learn from: some descriptions, and some cases altogether."""

    descriptions: frozenset[str] = frozenset()
    cases: frozenset[str] = frozenset()


def fold(judged: Iterable[Judged], case_ids: Iterable[str], number: int, *, of_descriptions: int = 5, of_cases: int = 4) -> Split:
    """Return what is held out in a fold, chosen by hashes of the ids, so that new data never moves the old."""
    return Split(
        descriptions=frozenset(query.id for query in judged if _bucket(f"d{query.id}", of_descriptions) == number),
        cases=frozenset(case_id for case_id in case_ids if _bucket(f"c{case_id}", of_cases) == number % of_cases),
    )


def _bucket(text: str, count: int) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % count


def train(
    model: Model, judged: Sequence[Judged], cases: Sequence[Case], recipe: Recipe, pairs: Sequence[JudgedPair] = ()
) -> tuple[SentenceTransformer, dict[str, torch.Tensor]]:
    """Return the model fine-tuned on graded descriptions, and the weights it moved as they were before.

    Only the transformer layers move, the vocabulary stays.

    Args:
        model: a sentence-transformers folder.
        judged: descriptions with their grades; those without any are left out.
        cases: what may be learned about; grades of other cases are left out.
        recipe: settings.
        pairs: judged pairs; those of other descriptions or cases are left out.
    """
    torch.manual_seed(recipe.seed)
    encoder = SentenceTransformer(
        str(model.folder),
        local_files_only=True,
        # Eager: under bfloat16 on a CPU its backward pass is several times faster than the fused one.
        model_kwargs={"attn_implementation": "eager"},
        config_kwargs={"attention_probs_dropout_prob": 0.0},  # drawing it takes as long on a CPU as all the rest
    )
    for name, parameter in encoder.named_parameters():
        parameter.requires_grad_(".embeddings." not in name)
    untrained = {name: value.detach().clone() for name, value in encoder.named_parameters() if value.requires_grad}
    rows, gains = _training_rows(encoder, judged, cases, recipe, pairs)
    rows, before = _with_general_texts(rows, encoder, judged, recipe)
    max_tokens, encoder.max_seq_length = encoder.max_seq_length, recipe.max_tokens
    arguments = SentenceTransformerTrainingArguments(
        output_dir=".",
        num_train_epochs=1,  # the rows already hold every epoch, each with its own views
        per_device_train_batch_size=recipe.batch,
        learning_rate=recipe.learning_rate,
        warmup_steps=max(1, len(rows) // recipe.batch // 10),
        weight_decay=0.01,
        bf16=True,
        use_cpu=not torch.cuda.is_available(),
        save_strategy="no",
        logging_steps=20,
        report_to=[],
        seed=recipe.seed,
    )
    loss = GradedListLoss(encoder, torch.tensor(gains, dtype=torch.float32), torch.tensor(before), recipe)
    SentenceTransformerTrainer(model=encoder, args=arguments, train_dataset=rows, loss=loss).train()
    encoder.max_seq_length = max_tokens
    return encoder, untrained


class GradedListLoss(nn.Module):
    """Cross-entropy between the grades of the cases in a batch and the softmax of their cosines, and the same from cases to descriptions.

    To it comes what holds texts of no particular field where they were: one minus their cosine with their embedding before training.

    Sources: the listwise softmax loss of ListNet, Cao et al., ICML 2007, with in-batch candidates; learning without forgetting, Li and
    Hoiem, ECCV 2016.
    """

    def __init__(self, model: SentenceTransformer, gains: torch.Tensor, before: torch.Tensor, recipe: Recipe) -> None:
        """Take the settings and two tables.

        Args:
            model: to train.
            gains: shape (n_queries, n_cases), of every (query, case).
            before: shape (n_texts, dim), embeddings of the texts of no particular field before training, of length 1.
            recipe: settings.
        """
        super().__init__()
        self.model = model
        self.gains = gains
        self.before = before
        self.scale = recipe.scale
        self.retention = recipe.retention

    def forward(self, sentence_features: Iterable[dict[str, torch.Tensor]], labels: torch.Tensor) -> torch.Tensor:
        """Return the loss of a batch of (query, case, other case, general text); `labels` holds their row numbers, shape (n, 4)."""
        queries, *views, general = [
            nn.functional.normalize(self.model(features)["sentence_embedding"].float()) for features in sentence_features
        ]
        cosines = queries @ torch.cat(views).T
        gains = self.gains.to(labels.device)[labels[:, 0]][:, torch.cat([labels[:, 1], labels[:, 2]])]
        moved = 1 - (general * self.before.to(labels.device)[labels[:, 3]]).sum(1).mean()
        listwise = self._listwise(self.scale * cosines, gains) + 0.5 * self._listwise(self.scale * cosines.T, gains.T)
        return listwise + self.retention * moved

    @staticmethod
    def _listwise(scores: torch.Tensor, gains: torch.Tensor) -> torch.Tensor:
        useful = gains.sum(1) > 0
        target = gains[useful] / gains[useful].sum(1, keepdim=True)
        return -(target * scores[useful].log_softmax(1)).sum(1).mean()


def _training_rows(
    encoder: SentenceTransformer, judged: Sequence[Judged], cases: Sequence[Case], recipe: Recipe, pairs: Sequence[JudgedPair] = ()
) -> tuple[Dataset, FloatArray]:
    """Return rows (query view, view of a useful case, view of a useless one, their numbers), and the gain of every (query, case).

    Queries are the descriptions, then the cases' "is this you" lines, then the sentences with judged passages. The last column of the gains
    stands for passages that are useless here, whatever their case.
    """
    chance = random.Random(recipe.seed)  # noqa: S311 - not for secrets
    row_of = {case.id: row for row, case in enumerate(cases)}
    usable = [query for query in judged if any(case_id in row_of for case_id in query.grades)]
    gains = _gains(usable, row_of)
    own = [(row, item) for row, case in enumerate(cases) for item in case.likenesses]
    together = gains.T @ gains
    spread = np.sqrt(np.maximum(np.diag(together), 1e-9))
    together = _SAME_CASE * together / np.outer(spread, spread)
    np.fill_diagonal(together, 1.0)
    sentences = [[sentence.text for sentence in read_description(query.text).sentences] for query in usable]
    reasons = _reasons({query.id: row for row, query in enumerate(usable)}, row_of, pairs)
    everything = np.vstack([gains, together[[row for row, _ in own]], *(reason.gains(gains)[None] for reason in reasons)])
    everything = np.hstack([everything, np.zeros((len(everything), 1))])
    texts = [" ".join(each) for each in sentences] + [item.text or item.lead for _, item in own]
    nearest = _nearest(encoder, texts, cases)
    rows: list[dict[str, Any]] = []
    for _ in range(recipe.epochs):
        lines, told = (
            chance.sample(range(len(its)), min(len(its), int(share * len(usable))))
            for its, share in ((own, recipe.likeness_share), (reasons, recipe.pair_share))
        )
        epoch = [reasons[number].row(len(texts) + number, len(cases), chance) for number in told]
        for query in (*range(len(usable)), *(len(usable) + line for line in lines)):
            is_line = query >= len(usable)
            useful = own[query - len(usable)][0] if is_line else chance.choices(range(len(cases)), weights=gains[query])[0]
            useless = chance.choice([case for case in nearest[query].tolist() if everything[query, case] == 0][: recipe.hard_negatives])
            epoch.append(
                {
                    "query": texts[query] if is_line else _description_view(sentences[query], chance),
                    "useful": _case_view(cases[useful], chance, likenesses=not is_line),
                    "useless": _case_view(cases[useless], chance),
                    "label": [query, useful, useless],
                }
            )
        chance.shuffle(epoch)
        rows += epoch
    return Dataset.from_list(rows), everything


def _with_general_texts(
    rows: Dataset, encoder: SentenceTransformer, judged: Sequence[Judged], recipe: Recipe
) -> tuple[Dataset, Embeddings]:
    """Return the rows, each with a text of no particular field and its number, and the embeddings of these texts before training.

    Such a text is a sentence of a description with most of its words replaced by random words of the encoder's vocabulary: the grammar is
    real, and the words are of every field.
    """
    chance = random.Random(recipe.seed)  # noqa: S311 - not for secrets
    words = sorted(word for word in encoder.tokenizer.get_vocab() if word.isascii() and word.isalpha() and len(word) > 3)
    sentences = [sentence.text for query in judged for sentence in read_description(query.text).sentences]
    texts = [
        " ".join(chance.choice(words) if len(word) > 3 and chance.random() < 0.8 else word for word in chance.choice(sentences).split())
        for _ in range(min(len(rows), _GENERAL_TEXTS))
    ]
    before: Embeddings = encoder.encode(texts, normalize_embeddings=True)
    chosen = [number % len(texts) for number in range(len(rows))]
    labels = [[*label, number] for label, number in zip(rows["label"], chosen, strict=True)]
    return rows.remove_columns("label").add_column("general", [texts[number] for number in chosen]).add_column("label", labels), before


@dataclass(frozen=True, slots=True)
class _Reasons:
    """What was judged of one sentence."""

    sentence: str
    description: int
    good: list[tuple[int, str, float]]
    """Case, passage, gain."""
    bad: list[str]
    """Passages that make no reason for this sentence, or for another of its description."""

    def gains(self, of_descriptions: FloatArray) -> FloatArray:
        """Return the gain of each case: that of its passages, else a part of what it is worth for the whole description."""
        gains: FloatArray = _OF_DESCRIPTION * of_descriptions[self.description]
        for case, _, gain in self.good:
            gains[case] = max(gains[case], gain)
        return gains

    def row(self, query: int, useless: int, chance: random.Random) -> dict[str, Any]:
        case, passage, _ = chance.choice(self.good)
        return {"query": self.sentence, "useful": passage, "useless": chance.choice(self.bad), "label": [query, case, useless]}


def _reasons(description_row: dict[str, int], case_row: dict[str, int], pairs: Sequence[JudgedPair]) -> list[_Reasons]:
    """Return the sentences that have a passage which makes a reason, and one which makes none."""
    good: dict[tuple[str, str], list[tuple[int, str, float]]] = {}
    bad: dict[tuple[str, str], list[str]] = {}
    for pair in pairs:
        if pair.description in description_row and pair.case in case_row:
            key = pair.description, pair.sentence
            if pair.verdict:
                good.setdefault(key, []).append((case_row[pair.case], pair.passage, _PAIR_GAINS[pair.verdict]))
            else:
                bad.setdefault(key, []).append(pair.passage)
                bad.setdefault((pair.description, ""), []).append(pair.passage)
    return [
        _Reasons(key[1], description_row[key[0]], its, others)
        for key, its in good.items()
        if (others := bad.get(key) or bad.get((key[0], "")))
    ]


def _gains(judged: Sequence[Judged], row_of: dict[str, int]) -> FloatArray:
    gains = np.zeros((len(judged), len(row_of)))
    for row, query in enumerate(judged):
        for case_id, grade in query.grades.items():
            if case_id in row_of:
                gains[row, row_of[case_id]] = np.interp(grade, [0, *GAINS], [0.0, *GAINS.values()])
    return gains


def _nearest(encoder: SentenceTransformer, texts: Sequence[str], cases: Sequence[Case]) -> IntArray:
    """Return the cases by nearness before training, a row per text: what sounds alike makes the hard negatives."""
    embedded: Embeddings = encoder.encode(list(texts), normalize_embeddings=True)
    wholes: Embeddings = encoder.encode([case_text(case) for case in cases], normalize_embeddings=True)
    return np.argsort(-(embedded @ wholes.T), axis=1, kind="stable").astype(np.int64)


def _description_view(sentences: Sequence[str], chance: random.Random) -> str:
    """Return the whole description half the time, else some of its sentences."""
    if len(sentences) < 3 or chance.random() < 0.5:
        return " ".join(sentences)
    share = chance.uniform(0.3, 0.8)
    return " ".join([each for each in sentences if chance.random() < share] or [chance.choice(sentences)])


def _case_view(case: Case, chance: random.Random, *, likenesses: bool = True) -> str:
    """Return one of what search embeds of a case, in part: the case as one text, its title and undertaking, or a few passages."""
    kind = chance.random()
    passages = [passage for passage in case_passages(case) if likenesses or passage.kind != "likeness"]
    if kind < 0.15:
        return _some(headline_text(case), chance)
    if kind < 0.5:
        without = msgspec.structs.replace(case, likenesses=()) if not likenesses else case
        return _some(case_text(without), chance)
    picked = chance.sample(passages, min(len(passages), chance.randint(1, 5)))
    return " ".join(passage.embedded for passage in picked)


def _some(text: str, chance: random.Random) -> str:
    """Return a text with a fifth of its sentences left out, never all."""
    sentences = [sentence.text for sentence in read_description(text).sentences]
    return " ".join([each for each in sentences if chance.random() > 0.2] or sentences)
