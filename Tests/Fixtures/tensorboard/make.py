"""Writes event files with TensorBoard's own messages and record writer.

run.tfevents      what run.jsonl becomes
resumed.tfevents  the same once a process continues the run after step 9

Made with tensorboard 2.21.0, protobuf 7.36.2, numpy 2.4:  python make.py

Line n of run.jsonl is an event at 1700000000 + n seconds. A figure's description is told once, with the
words that Saeline has for it.
"""

import json
import pathlib

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

FOLDER = pathlib.Path(__file__).parent
START = 1700000000
DESCRIPTIONS = {"losses/mse_loss": "MSE: mean ‖x − x̂‖² per token"}


def values(name: str, value):
    if isinstance(value, (int, float)):
        yield summary_pb2.Summary.Value(tag=name, simple_value=value)
    elif isinstance(value, dict) and value.get("_type") == "histogram":
        edges, counts = value["bins"], value["values"]
        middles = [(low + high) / 2 for low, high in zip(edges, edges[1:])]
        yield summary_pb2.Summary.Value(tag=name, histo=summary_pb2.HistogramProto(
            min=edges[0], max=edges[-1], num=sum(counts),
            sum=sum(count * middle for count, middle in zip(counts, middles)),
            sum_squares=sum(count * middle * middle for count, middle in zip(counts, middles)),
            bucket_limit=edges[1:], bucket=counts))
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from values(f"{name}/{key}", part)


def write(name: str, resumed: bool):
    events = [event_pb2.Event(
        wall_time=START, file_version="brain.Event:2",
        source_metadata=event_pb2.SourceMetadata(writer="saeline"))]
    if resumed:
        events.append(event_pb2.Event(
            wall_time=START, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START)))
    described = set()
    for index, text in enumerate((FOLDER / "run.jsonl").read_text().splitlines()):
        line = json.loads(text)
        if resumed and line["step"] > 9:
            continue
        event = event_pb2.Event(wall_time=START + index, step=line.pop("step"))
        found = [value for name in line for value in values(name, line[name])]
        for value in sorted(found, key=lambda value: value.tag):
            if value.tag not in described:
                is_histogram = value.HasField("histo")
                value.metadata.plugin_data.plugin_name = "histograms" if is_histogram else "scalars"
                value.metadata.data_class = (
                    summary_pb2.DATA_CLASS_TENSOR if is_histogram else summary_pb2.DATA_CLASS_SCALAR)
                value.metadata.summary_description = DESCRIPTIONS.get(value.tag, "")
                described.add(value.tag)
            event.summary.value.append(value)
        events.append(event)
    with open(FOLDER / name, "wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString(deterministic=True))
        writer.flush()


write("run.tfevents", resumed=False)
write("resumed.tfevents", resumed=True)
