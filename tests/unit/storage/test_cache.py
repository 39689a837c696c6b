from __future__ import annotations

from parabola.storage.cache import PREFIX_LENGTHS_MAX, BoundedCache, RangeCache


def test_a_cache_never_holds_more_than_its_bound() -> None:
    cache: BoundedCache[int, bytes] = BoundedCache(1000, len)
    for number in range(500):
        cache.put(number, b"x" * (number % 90 + 1))
        assert cache.resident_bytes <= 1000
    assert 0 < len(cache) < 500


def test_what_is_used_stays_and_what_is_not_goes() -> None:
    cache: BoundedCache[int, bytes] = BoundedCache(100, len)
    for number in range(1000):
        cache.put(number, b"xxxxx")
        assert cache.get(0) == b"xxxxx"
    assert cache.get(1) is None


def test_a_value_larger_than_the_cache_is_not_kept() -> None:
    cache: BoundedCache[str, bytes] = BoundedCache(10, len)
    cache.put("small", b"x")
    cache.put("large", b"x" * 11)
    assert cache.get("large") is None
    assert cache.resident_bytes <= 10


def test_putting_again_replaces_and_discarding_gives_the_bytes_back() -> None:
    cache: BoundedCache[str, bytes] = BoundedCache(10_000, len)
    cache.put("a", b"x" * 100)
    cache.put("a", b"y")
    assert cache.get("a") == b"y"
    assert cache.resident_bytes == 1
    cache.discard("a")
    assert cache.resident_bytes == 0


def test_a_changed_key_forgets_exactly_the_ranges_that_it_lies_in() -> None:
    ranges = RangeCache(100_000)
    for prefix in (b"", b"a", b"ab", b"abc", b"ac", b"b"):
        ranges.put_range(7, prefix, (1, (), ()))
        ranges.put_range(8, prefix, (1, (), ()))
    ranges.keys_changed(7, [b"abz"])
    kept = [prefix for prefix in (b"", b"a", b"ab", b"abc", b"ac", b"b") if ranges.get((7, prefix)) is not None]
    assert kept == [b"abc", b"ac", b"b"]
    assert ranges.get((8, b"ab")) is not None


def test_an_index_with_too_many_lengths_of_prefix_caches_no_further_ones() -> None:
    ranges = RangeCache(1_000_000)
    for length in range(PREFIX_LENGTHS_MAX + 1):
        ranges.put_range(7, b"x" * length, (1, (), ()))
    assert ranges.get((7, b"x" * (PREFIX_LENGTHS_MAX - 1))) is not None
    assert ranges.get((7, b"x" * PREFIX_LENGTHS_MAX)) is None
