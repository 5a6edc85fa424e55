"""Writes card.yaml: what datasets 5.2 writes into the card of a data set that push_to_hub uploads."""

from pathlib import Path

from datasets import Features, List, Value
from datasets.info import DatasetInfo, DatasetInfosDict
from datasets.splits import SplitDict, SplitInfo
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCardData

info = DatasetInfo(
    features=Features({"input_ids": List(Value("int32"))}),
    splits=SplitDict({"train": SplitInfo("train", num_bytes=6800, num_examples=100)}),
    download_size=2500,
    dataset_size=6800,
)
card = DatasetCardData()
DatasetInfosDict({"default": info}).to_dataset_card_data(card)
files = [{"split": "train", "path": "data/train-*"}]
MetadataConfigs({"default": {"data_files": files}}).to_dataset_card_data(card)
(Path(__file__).parent / "card.yaml").write_text(card.to_yaml() + "\n")
