// Formats of files as targets: JSON, JSON5, YAML, manifests, leases, notes of streams, tensors, archives, Arrow.

/// What is done with the bytes, by name.
let targets: [String: @Sendable ([UInt8]) throws -> Void] = [
  "json": { bytes in
    let value = try JSON(parsing: bytes)
    // What was read and written reads back the same.
    let text = value.canonical
    let again = try JSON(parsing: Array(text.utf8))
    precondition(again.canonical == text)
  },
  "json5": { bytes in
    _ = try JSON5Document(parsing: bytes)
    _ = try JSON(parsing: bytes, as: .json5)
  },
  "yaml": { bytes in _ = try YAML.parse(bytes) },
  "manifest": { bytes in
    let manifest = try Manifest(parsing: bytes, path: "m")
    for shard in manifest.shards { precondition(isPlain(shard.file)) }
    for file in manifest.files { precondition(isPlain(file.name)) }
  },
  "lease": { bytes in
    if let record = LeaseRecord(lastOf: bytes) {
      precondition(record.seconds == record.seconds)
      _ = record.isDead
    }
    _ = LeaseRecord(firstOf: bytes)
    _ = TemporaryName(String(decoding: bytes, as: UTF8.self))?.base
  },
  "stream": { bytes in
    if let demand = StreamDemand(parsing: bytes) {
      precondition(StreamDemand(parsing: Array(demand.json.canonical.utf8)) != nil)
    }
    // Too few or too many sums, or texts that are none, are a shard's problem.
    let members = (try? JSON(parsing: bytes))?.object ?? [:]
    let statistics = try ActivationStatistics(
      metadata: members.compactMapValues(\.string), rows: 3, dIn: 2, path: "s")
    precondition(statistics.metadata.count == 3)
  },
  "safetensors": { bytes in
    let header = try SafetensorsHeader.parse(bytes.span.raw, path: "s")
    for tensor in header.tensors.values {
      precondition(tensor.range.lowerBound >= 0 && tensor.range.upperBound <= bytes.count)
    }
  },
  "torch": { bytes in
    let tensors = try TorchFile.tensors(bytes.span.raw, path: "t")
    for tensor in tensors.values where tensor.count < 1 << 20 && isFloat(tensor.entry.type) {
      var values = [Float](repeating: 0, count: tensor.count)
      var target = values.mutableSpan
      tensor.readFloats(in: bytes.span.raw, into: &target)
    }
  },
  "zip": { bytes in
    for (_, range) in try ZipArchive(bytes.span.raw, path: "z").entries {
      precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    }
  },
  "numpy": { bytes in
    for tensor in try NumpyFile.tensors(bytes.span.raw, path: "n").values
    where tensor.count < 1 << 20 {
      var values = [Float](repeating: 0, count: tensor.count)
      var target = values.mutableSpan
      tensor.readFloats(in: bytes.span.raw, into: &target)
    }
  },
  "zstandard": { bytes in
    _ = try Zstandard.decompress(bytes.span.raw, path: "z", limit: 1 << 22)
  },
  "arrow": { bytes in
    let stream = try ArrowStream(Bytes(bytes))
    var (place, grown) = (stream.bodyStart, 0)
    while let message = try stream.message(at: place), message.end > place {
      if message.kind == .recordBatch {
        for index in stream.fields.indices {
          _ = try? stream.column(index, of: message, grown: &grown)
        }
      }
      place = message.end
    }
  },
]

private func isFloat(_ type: TensorType) -> Bool {
  [.float64, .float32, .float16, .bfloat16].contains(type)
}

private func isPlain(_ name: String) -> Bool {
  !name.isEmpty && name != "." && name != ".." && !name.utf8.contains(UInt8(ascii: "/"))
}

/// No error of these readers is but a problem of a text.
func isProblem(_ error: any Error) -> Bool { false }
