// The readers of texts and files as targets of libFuzzer: bytes come in, and a value, or an error with a sentence that
// can be shown, leaves. Anything else ends the process. FUZZ names the target; build.sh compiles this with the rooms
// of Shared that the readers lie in, as one module.

import Foundation

/// What is done with the bytes, by name.
private let targets: [String: @Sendable ([UInt8]) throws -> Void] = [
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

/// Bytes as a file.
private final class Bytes: ByteSource {
  let path = "a"
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var byteCount: Int { bytes.count }

  func read(at offset: Int, count: Int) throws -> [UInt8] {
    guard offset < bytes.count else { return [] }
    return Array(bytes[offset..<min(bytes.count, offset + count)])
  }
}

private let target: @Sendable ([UInt8]) throws -> Void = {
  let name = ProcessInfo.processInfo.environment["FUZZ"] ?? ""
  guard let target = targets[name] else {
    print("FUZZ is one of", targets.keys.sorted().joined(separator: " "))
    exit(2)
  }
  return target
}()

/// Whether an error is a problem of a text, or a sentence of bounded length.
private func isShowable(_ error: any Error) -> Bool {
  guard let failure = error as? any Failure else {
    return error is JSONProblem || error is JSON5Problem || error is YAMLProblem
  }
  return !failure.sentence.isEmpty && (failure.sentence + (failure.hint ?? "")).utf8.count < 1 << 16
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let bytes = unsafe start.map { unsafe Array(UnsafeBufferPointer(start: $0, count: count)) } ?? []
  do { try target(bytes) } catch { precondition(isShowable(error), "\(error)") }
  return 0
}
