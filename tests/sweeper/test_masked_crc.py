import random

from tensorboard.summary.writer.record_writer import masked_crc32c

from sweeper.masked_crc import checksums


def test_it_is_tensorboards_own_checksum_for_records_of_any_lengths() -> None:
    rng = random.Random(0)
    records = [rng.randbytes(size) for size in (0, 1, 8, 300, *(rng.randrange(200) for _ in range(40)))]
    wanted = [masked_crc32c(record) for record in records]
    assert checksums(records).tolist() == wanted
    assert checksums([]).tolist() == []
