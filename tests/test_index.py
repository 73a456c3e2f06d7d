"""Every kind of index keeps one contract, compared with brute force in double precision."""

import json
from collections.abc import Iterator
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simsearch.errors import StoreError, UsageError, VectorError
from simsearch.index import KINDS, VectorIndex, build_index, choose_kind, open_index
from simsearch.index.exact import scan
from simsearch.neighbors import Neighbors

DIM = 24
K = 10
EXACT = ("flat",)
APPROXIMATE = ("hnsw", "ivfpq")
TOLERANCE = 0.02  # of a recall measured with 200 queries


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def clustered(size: int, seed: int, dim: int = DIM) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((30, dim))
    return unit(centres[rng.integers(0, 30, size)] + 0.5 * rng.standard_normal((size, dim)))


def brute_force(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    k: int,
    allowed: NDArray[np.bool_] | None = None,
) -> Neighbors:
    """1 - x·y in double precision, all pairs, sorted by distance, then row."""
    rows = np.flatnonzero(np.ones(len(vectors), bool) if allowed is None else allowed)
    products = np.einsum("qd,nd->qn", queries.astype(float), vectors[rows].astype(float))
    distances = np.clip(1 - products, 0, 2)
    order = np.argsort(distances.round(9), axis=1, kind="stable")[:, :k]
    answer = Neighbors.empty(len(queries), k)
    answer.ids[:, : order.shape[1]] = rows[order]
    answer.distances[:, : order.shape[1]] = np.take_along_axis(distances, order, axis=1)
    return answer


def assert_same(
    found: Neighbors,
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    allowed: NDArray[np.bool_] | None = None,
) -> None:
    """Equal ids; two rows may change places only where single precision cannot tell them apart."""
    expected = brute_force(vectors, queries, found.k, allowed)
    np.testing.assert_allclose(found.distances, expected.distances, atol=1e-6)
    for query, column in np.argwhere(found.ids != expected.ids):
        pair = vectors[[found.ids[query, column], expected.ids[query, column]]].astype(float)
        near, far = sorted(pair @ queries[query].astype(float))
        assert 1e-12 < far - near < 2e-7


def recall(found: Neighbors, expected: Neighbors) -> float:
    """Share of answers no farther than the true last one."""
    return float((found.distances <= expected.distances[:, -1:] + 1e-6).mean())


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """For so few vectors threads cost more than they give."""
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(threads)


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    """2,000 vectors: 60 that are the same picture, 200 that are pairs, the rest single."""
    found = clustered(2000, seed=0)
    found[100:1300:20] = found[7]
    found[1400:1500] = found[1500:1600]
    return found


@pytest.fixture(scope="module")
def queries() -> NDArray[np.float32]:
    return clustered(150, seed=1)


@pytest.fixture(scope="module", params=KINDS)
def index(request: pytest.FixtureRequest, vectors: NDArray[np.float32]) -> VectorIndex:
    return build_index(request.param, vectors)


def test_exact_kinds_give_what_brute_force_gives(
    index: VectorIndex, vectors: NDArray[np.float32], queries: NDArray[np.float32]
) -> None:
    if index.kind not in EXACT:
        pytest.skip(f"{index.kind} is not exact")
    asked = np.concatenate([queries, vectors[:200]])
    together = index.search(asked, K)
    assert_same(together, vectors, asked)
    one_by_one = [index.search(query[None], K).ids[0] for query in asked]
    np.testing.assert_array_equal(one_by_one, together.ids)


def test_recall_of_queries_never_seen_is_what_the_index_states(
    index: VectorIndex, vectors: NDArray[np.float32], queries: NDArray[np.float32]
) -> None:
    found = recall(index.search(queries, K), brute_force(vectors, queries, K))
    assert found >= index.recall - TOLERANCE
    assert index.recall == 1 if index.kind in EXACT else 0.9 < index.recall <= 1


def test_ranking_by_the_vectors_raises_the_recall(index: VectorIndex) -> None:
    before = index.facts()["recall_unranked"]
    assert isinstance(before, float)
    assert before < index.recall if index.kind == "ivfpq" else before <= index.recall


def test_distances_are_cosine_distances_of_the_ids_and_ascend(
    index: VectorIndex, vectors: NDArray[np.float32], queries: NDArray[np.float32]
) -> None:
    found = index.search(queries, K)
    assert (found.ids.dtype, found.distances.dtype) == (np.int64, np.float32)
    for query, ids, distances in zip(queries, found.ids, found.distances, strict=True):
        np.testing.assert_allclose(distances, 1 - vectors[ids] @ query, atol=1e-5)
        assert len(set(ids)) == K
        assert list(zip(distances, ids, strict=True)) == sorted(zip(distances, ids, strict=True))


def test_far_vectors_are_farther_than_one(index: VectorIndex) -> None:
    opposite = -index.vectors[:3].copy()
    found = index.search(opposite, index.size)
    assert found.distances[:, -1] == pytest.approx(2, abs=1e-6)


def test_every_vector_finds_itself_at_zero(index: VectorIndex) -> None:
    found = index.search(index.vectors, 1)
    assert (found.distances[:, 0] == 0).mean() >= (1 if index.kind in EXACT else 0.99)
    assert (index.search(index.vectors[:50], 1).distances == 0).all()


def test_an_opened_index_answers_as_the_one_saved(
    index: VectorIndex, queries: NDArray[np.float32], tmp_path: Path
) -> None:
    index.save(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "index.faiss",
        "index.json",
        "vectors.npy",
    ]
    opened = open_index(tmp_path)
    assert opened.facts() == index.facts()
    assert not opened.vectors.flags.writeable
    for allowed in (None, np.arange(index.size) % 3 == 0):
        saved, found = (some.search(queries, K, allowed=allowed) for some in (index, opened))
        np.testing.assert_array_equal(saved.ids, found.ids)
        np.testing.assert_array_equal(saved.distances, found.distances)


def test_an_index_can_be_saved_over_the_files_it_reads(
    index: VectorIndex, queries: NDArray[np.float32], tmp_path: Path
) -> None:
    index.save(tmp_path)
    opened = open_index(tmp_path)
    opened.save(tmp_path)
    opened.remove(np.arange(10)).save(tmp_path)
    np.testing.assert_array_equal(opened.search(queries, K).ids, index.search(queries, K).ids)
    assert open_index(tmp_path).size == index.size - 10


def test_each_vector_lies_on_disk_once(index: VectorIndex, tmp_path: Path) -> None:
    index.save(tmp_path)
    raw = index.size * DIM * 4
    assert (tmp_path / "vectors.npy").stat().st_size == raw + 128
    if index.kind == "flat":
        assert (tmp_path / "index.faiss").stat().st_size < 100
    assert faiss.read_index(str(tmp_path / "index.faiss")).d == DIM


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_filtered_answers_are_those_of_a_scan(index: VectorIndex, data: st.DataObject) -> None:
    share = data.draw(st.sampled_from([0.0, 0.001, 0.01, 0.1, 0.5, 0.99, 1.0]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    k = data.draw(st.sampled_from([1, 3, 10, 70, 300]))
    allowed = rng.random(index.size) < share
    asked = index.vectors[rng.integers(0, index.size, data.draw(st.integers(1, 12)))]
    found = index.search(asked, k, allowed=allowed)
    assert_same(found, index.vectors, asked, allowed)
    assert ((found.ids >= 0).sum(axis=1) == min(k, allowed.sum())).all()


def test_more_neighbours_than_vectors_are_padded(
    index: VectorIndex, queries: NDArray[np.float32]
) -> None:
    found = index.search(queries[:3], index.size + 5)
    assert_same(found, index.vectors, queries[:3])
    assert (found.ids[:, -5:] == -1).all()
    assert np.isinf(found.distances[:, -5:]).all()
    assert (np.sort(found.ids[:, :-5], axis=1) == np.arange(index.size)).all()


def test_no_query_has_no_answer(index: VectorIndex) -> None:
    assert index.search(np.empty((0, DIM), np.float32), K).ids.shape == (0, K)


def test_added_vectors_lie_behind_the_present_ones(
    index: VectorIndex, vectors: NDArray[np.float32], queries: NDArray[np.float32]
) -> None:
    more = clustered(300, seed=2)
    grown, expected = index.add(more), np.concatenate([vectors, more])
    np.testing.assert_array_equal(grown.vectors, expected)
    found, truth = grown.search(queries, K), brute_force(expected, queries, K)
    assert (index.size, grown.size, grown.kind) == (2000, 2300, index.kind)
    assert recall(found, truth) >= grown.recall - TOLERANCE
    assert (grown.search(more, 1).ids[:, 0] == np.arange(2000, 2300)).mean() > 0.99
    if index.kind in EXACT:
        assert_same(found, expected, queries)


def test_an_opened_index_can_grow(index: VectorIndex, tmp_path: Path) -> None:
    index.save(tmp_path)
    more = clustered(20, seed=3)
    found = open_index(tmp_path).add(more).search(more, 1)
    np.testing.assert_array_equal(found.ids[:, 0], np.arange(2000, 2020))


def test_an_index_that_grows_many_times_over_keeps_its_recall(index: VectorIndex) -> None:
    more = clustered(8000, seed=4)
    grown, fresh = index.add(more), build_index(index.kind, np.concatenate([index.vectors, more]))
    assert grown.recall >= fresh.recall - TOLERANCE
    asked = clustered(50, seed=5)
    found = recall(grown.search(asked, K), brute_force(fresh.vectors, asked, K))
    assert found >= grown.recall - 2 * TOLERANCE


def test_rows_close_up_behind_removed_ones(
    index: VectorIndex, vectors: NDArray[np.float32], queries: NDArray[np.float32]
) -> None:
    gone = np.array([0, 5, 100, 101, 1999])
    smaller, expected = index.remove(gone), np.delete(vectors, gone, axis=0)
    np.testing.assert_array_equal(smaller.vectors, expected)
    found, truth = smaller.search(queries, K), brute_force(expected, queries, K)
    assert (index.size, smaller.size, smaller.kind) == (2000, 1995, index.kind)
    assert recall(found, truth) >= smaller.recall - TOLERANCE
    if index.kind in EXACT:
        assert_same(found, expected, queries)


def test_removing_what_was_added_gives_the_answers_of_before(
    index: VectorIndex, queries: NDArray[np.float32]
) -> None:
    back = index.add(clustered(50, seed=6)).remove(np.arange(2000, 2050))
    np.testing.assert_array_equal(back.vectors, index.vectors)
    if index.kind in EXACT:
        assert_same(back.search(queries, K), index.vectors, queries)


def bad(value: float, *, whole_row: bool = False) -> NDArray[np.float32]:
    found = clustered(8, seed=7)
    found[[2, 5], : DIM if whole_row else 1] = value
    return found


BAD = {
    "NaN": bad(np.nan),
    "infinite": bad(np.inf),
    "zero": bad(0, whole_row=True),
    "too long": bad(1, whole_row=True),
    "half precision": clustered(8, seed=7).astype(np.float16).astype(np.float32),
}


@pytest.mark.parametrize("name", BAD)
def test_vectors_not_of_unit_length_are_refused_everywhere(name: str, index: VectorIndex) -> None:
    rows = "rows" if name == "half precision" else "2 of 8 vectors.*rows 2, 5"
    for use in (
        index.add,
        lambda some: index.search(some, 1),
        lambda some: build_index("flat", some),
    ):
        with pytest.raises(VectorError, match=rows):
            use(BAD[name])


@pytest.mark.parametrize(
    "shaped",
    [clustered(3, 0, DIM + 1), clustered(3, 0).astype(np.float64), clustered(3, 0)[0]],
    ids=["other width", "double precision", "one vector alone"],
)
def test_vectors_of_another_shape_or_type_are_refused(
    shaped: NDArray[np.float32], index: VectorIndex
) -> None:
    for use in (index.add, lambda some: index.search(some, 1)):
        with pytest.raises(VectorError, match="not float32"):
            use(shaped)


def test_a_wrong_request_is_refused(index: VectorIndex, queries: NDArray[np.float32]) -> None:
    with pytest.raises(UsageError, match="1 or more"):
        index.search(queries, 0)
    for mask in (np.ones(3, bool), np.ones(index.size, int)):
        with pytest.raises(ValueError, match="2000 booleans"):
            index.search(queries, 1, allowed=mask)
    with pytest.raises(UsageError, match="'annoy'.*auto, flat, hnsw, ivfpq"):
        build_index("annoy", index.vectors)


def test_ties_are_ordered_by_row_however_many_there_are() -> None:
    same = np.repeat(clustered(1, seed=8), 5000, axis=0)
    same[4000:] = clustered(1000, seed=9)
    flat = build_index("flat", same)
    asked = np.repeat(same[:1], 40, axis=0)
    assert (flat.search(asked, K).ids == np.arange(K)).all()
    assert (flat.search(asked[:1], K).ids == np.arange(K)).all()
    odd = np.arange(5000) % 2 == 1
    assert (flat.search(asked[:1], K, allowed=odd).ids == np.arange(1, 2 * K, 2)).all()


def test_the_numpy_scan_is_brute_force(
    vectors: NDArray[np.float32], queries: NDArray[np.float32]
) -> None:
    assert_same(scan(vectors, queries, K), vectors, queries)
    allowed = np.arange(len(vectors)) % 7 == 0
    assert_same(scan(vectors, queries, K, allowed), vectors, queries, allowed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [0, 1, 5, 255, 256, 300])
def test_few_vectors_are_enough(kind: str, size: int, tmp_path: Path) -> None:
    few, asked = clustered(size, seed=10), clustered(4, seed=11)
    index = build_index(kind, few)
    index.save(tmp_path)
    for some in (index, open_index(tmp_path)):
        assert (some.kind, some.size, some.dim) == (kind, size, DIM)
        found = some.search(asked, 3)
        assert ((found.ids >= 0).sum(axis=1) == min(3, size)).all()
        if size < 256:
            assert_same(found, few, asked)
    assert index.add(asked).search(asked, 1).ids[:, 0].tolist() == [*range(size, size + 4)]
    assert index.remove(np.arange(size)).search(asked, 2).ids.tolist() == [[-1, -1]] * 4


@pytest.mark.parametrize("kind", APPROXIMATE)
@pytest.mark.parametrize("dim", [1, 7, 33])
def test_any_width_can_be_indexed(kind: str, dim: int) -> None:
    found = clustered(1200, seed=12, dim=dim)
    index, asked = build_index(kind, found), clustered(30, seed=13, dim=dim)
    assert recall(index.search(asked, K), brute_force(found, asked, K)) > 0.85


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_equal_seeds_give_equal_files(
    kind: str, vectors: NDArray[np.float32], tmp_path: Path
) -> None:
    made = []
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        (tmp_path / name).mkdir()
        build_index(kind, vectors, seed=seed).save(tmp_path / name)
        made.append([(tmp_path / name / f).read_bytes() for f in ("index.faiss", "index.json")])
    assert made[0] == made[1] != made[2]


def test_auto_scans_what_a_core_scans_quickly(vectors: NDArray[np.float32]) -> None:
    assert build_index("auto", vectors).kind == "flat"
    assert choose_kind(100_000, 512) == "flat"
    assert choose_kind(1_000_000, 256) == "flat"
    assert choose_kind(3_000_000, 256) in APPROXIMATE


def test_a_damaged_index_is_refused_in_one_line(vectors: NDArray[np.float32]) -> None:
    with pytest.raises(StoreError, match=r"nowhere.*build the index again"):
        open_index(Path("nowhere"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["vectors.npy", "index.faiss", "index.json"])
@pytest.mark.parametrize("damage", ["gone", "empty", "cut short", "of another index"])
def test_damaged_files_are_refused(
    kind: str, name: str, damage: str, vectors: NDArray[np.float32], tmp_path: Path
) -> None:
    build_index(kind, vectors[:400]).save(tmp_path)
    path = tmp_path / name
    if damage == "gone":
        path.unlink()
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut short":
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    else:
        (tmp_path / "other").mkdir()
        build_index(kind, clustered(500, 0, DIM + 2)).save(tmp_path / "other")
        path.write_bytes((tmp_path / "other" / name).read_bytes())
    with pytest.raises(StoreError, match="build the index again") as refused:
        open_index(tmp_path)
    assert "\n" not in str(refused.value)


def test_facts_are_json_values(index: VectorIndex) -> None:
    assert json.loads(json.dumps(index.facts())) == index.facts()
