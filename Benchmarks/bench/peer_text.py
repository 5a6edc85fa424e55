"""Tokenizes a text with another program, in a process of its own; prints a line of JSON.

    python peer_text.py PEER TOKENIZER TEXT FOLDER THREADS

  saelens    PretokenizeRunner, JSONL -> packed and shuffled Arrow files, no cache
  tokenizers encode_batch_fast over the documents; packs and writes nothing
  quicktok   encode_batch over the documents on one thread; packs and writes nothing

`seconds` leaves out the start: of saelens its imports, of the others all but the encoding. FOLDER is for what is
written. Set HF_HUB_OFFLINE=1. Made with sae-lens 6.54.12, tokenizers 0.23.3, quicktok-v1 0.4.0.
"""

import json
import os
import resource
import sys
import time

CONTEXT_SIZE = 128
# Documents that a peer gets at once.
BATCH = 1000


def documents(text):
    with open(text, encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file]


def batches(texts):
    return (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))


def saelens(tokenizer, text, folder, threads):
    from sae_lens import PretokenizeRunner, PretokenizeRunnerConfig

    start = time.perf_counter()
    rows = PretokenizeRunner(
        PretokenizeRunnerConfig(
            tokenizer_name=tokenizer, dataset_path="json", data_files=[text], split="train", num_proc=threads,
            context_size=CONTEXT_SIZE, shuffle=True, seed=42, begin_batch_token=None, sequence_separator_token=None,
            save_path=f"{folder}/saved")).run()
    return len(rows) * CONTEXT_SIZE, time.perf_counter() - start


def tokenizers(tokenizer, text, _folder, _threads):
    from tokenizers import Tokenizer

    encoder = Tokenizer.from_file(f"{tokenizer}/tokenizer.json")
    encoder.no_truncation()
    encoder.no_padding()
    texts = documents(text)
    tokens = 0
    start = time.perf_counter()
    for batch in batches(texts):
        tokens += sum(len(encoding) for encoding in encoder.encode_batch_fast(batch))
    return tokens, time.perf_counter() - start


def quicktok(tokenizer, text, folder, _threads):
    os.environ["QUICKTOK_DATA"] = folder
    import quicktok

    quicktok.import_tokenizer(f"{tokenizer}/tokenizer.json", "bench")
    encoder = quicktok.get_encoding("bench", data_dir=folder)
    texts = documents(text)
    tokens = 0
    start = time.perf_counter()
    for batch in batches(texts):
        tokens += len(encoder.encode_batch(batch, 1)[0])
    return tokens, time.perf_counter() - start


PEERS = {"saelens": saelens, "tokenizers": tokenizers, "quicktok": quicktok}

if __name__ == "__main__":
    if len(sys.argv) != 6 or sys.argv[1] not in PEERS:
        sys.exit(__doc__)
    name, tokenizer, text, folder, threads = sys.argv[1:]
    os.environ["RAYON_NUM_THREADS"] = threads
    # SAELens's parallelism is that of its processes.
    os.environ["TOKENIZERS_PARALLELISM"] = "false" if name == "saelens" else "true"
    tokens, seconds = PEERS[name](tokenizer, text, folder, int(threads))
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"items": tokens, "seconds": seconds, "peak_bytes": 1024 * peak}))
