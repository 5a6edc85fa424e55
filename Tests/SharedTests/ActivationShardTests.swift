import Shared
import Support
import Testing

/// Rows of a shard computed one at a time from a seed.
private struct SampleRows {
  let rows: Int
  let dIn: Int
  let values: [Float]
  let tokens: [UInt32]
  let sequences: [UInt32]
  let positions: [UInt32]
  let places: [UInt32]

  init(rows: Int, dIn: Int, seed: Int = 1) {
    self.rows = rows
    self.dIn = dIn
    let random = Random(seed: seed, stream: "rows")
    values = (0..<rows * dIn).map { Float(random.normal($0)) }
    tokens = (0..<rows).map { UInt32(random.integer($0, below: 1000)) }
    sequences = (0..<rows).map { UInt32($0 / 4 + 70_000) }
    positions = (0..<rows).map { UInt32($0 % 4) }
    places = Random(seed: seed, stream: "places").permutation(rows)
  }

  func builder(_ type: TensorType, vocabularySize: Int = 1000) -> ActivationShardBuilder {
    var builder = ActivationShardBuilder(
      rows: rows, dIn: dIn, type: type, vocabularySize: vocabularySize, contextSize: 4)
    // In two portions, as from two batches.
    let half = rows / 2
    for part in [0..<half, half..<rows] {
      builder.put(
        values.span.extracting(part.lowerBound * dIn..<part.upperBound * dIn),
        at: places.span.extracting(part), tokens: tokens.span.extracting(part),
        sequences: sequences.span.extracting(part), positions: positions.span.extracting(part))
    }
    return builder
  }

  func write(_ type: TensorType, to path: String, vocabularySize: Int = 1000) throws {
    var file = try AtomicFile.create(path)
    try builder(type, vocabularySize: vocabularySize).write(metadata: ["hook": "h"], to: &file)
    try file.publishReplacing()
  }

  func rounded(_ value: Float, _ type: TensorType) -> Float {
    switch type {
    case .float16: Float(Float16(value))
    case .bfloat16: Precision.float(bfloat16: Precision.bfloat16(value))
    default: value
    }
  }
}

@Suite struct ActivationShardTests {
  @Test(
    "Rows come back at their places, rounded to the storage type",
    arguments: [
      TensorType.float32, .float16, .bfloat16,
    ])
  func roundTrip(_ type: TensorType) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("shard-00000.safetensors")
    let sample = SampleRows(rows: 37, dIn: 5)
    try sample.write(type, to: path)
    let shard = try ActivationShard.open(path)
    #expect(shard.rows == 37 && shard.dIn == 5 && shard.type == type && shard.path == path)
    #expect(shard.metadata["hook"] == "h" && shard.metadata["saeline.rows"] == "37")
    var read = [Float](repeating: 0, count: 37 * 5)
    var span = read.mutableSpan
    shard.readRows(0..<37, into: &span)
    let tokens = shard.tokens()
    let sequences = shard.sequences()
    let positions = shard.positions()
    for (row, place) in sample.places.map({ Int($0) }).enumerated() {
      let expected = sample.values[row * 5..<row * 5 + 5].map { sample.rounded($0, type) }
      #expect(Array(read[place * 5..<place * 5 + 5]) == expected)
      #expect(tokens[place] == sample.tokens[row])
      #expect(sequences[place] == sample.sequences[row])
      #expect(positions[place] == sample.positions[row])
    }
    var one = [Float](repeating: 0, count: 10)
    var oneSpan = one.mutableSpan
    shard.readRows(20..<22, into: &oneSpan)
    #expect(one == Array(read[100..<110]))
    #expect(shard.tokens(3..<5) == Array(tokens[3..<5]))
    #expect(shard.sequences(3..<5) == Array(sequences[3..<5]))
    #expect(shard.positions(36..<37) == [positions[36]])
  }

  @Test("The payload starts on a page and holds nothing but the four tensors")
  func layout() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("s.safetensors")
    let sample = SampleRows(rows: 6, dIn: 3)
    try sample.write(.float32, to: path)
    let narrow = try SafetensorsFile.open(path)
    let activations = try narrow.require("activations", [.float32], shape: [6, 3])
    #expect(activations.range.lowerBound % 4096 == 0)
    #expect(narrow.header.tensors["tokens"]?.type == .uint16)
    #expect(narrow.header.tensors["position"]?.type == .uint16)
    #expect(narrow.header.tensors["sequence"]?.type == .uint32)
    #expect(narrow.byteCount - activations.range.lowerBound == 6 * (12 + 4 + 2 + 2))
    try sample.write(.float32, to: path, vocabularySize: 100_000)
    #expect(try SafetensorsFile.open(path).header.tensors["tokens"]?.type == .uint32)
  }

  @Test(
    "The statistics are those of the stored rows",
    arguments: [
      TensorType.float32, .float16, .bfloat16,
    ])
  func statistics(_ type: TensorType) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("s.safetensors")
    let sample = SampleRows(rows: 600, dIn: 11)
    try sample.write(type, to: path)
    let found = try ActivationShard.open(path).statistics()
    #expect(found == sample.builder(type).statistics())
    #expect(found.rows == 600)
    let rows = (0..<600).map { row in
      sample.values[row * 11..<row * 11 + 11].map { Double(sample.rounded($0, type)) }
    }
    func isClose(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-12 * (1 + abs(b)) }
    for column in 0..<11 {
      #expect(isClose(found.sum[column], rows.reduce(0) { $0 + $1[column] }))
      #expect(isClose(found.mean[column], rows.reduce(0) { $0 + $1[column] } / 600))
      #expect(
        isClose(found.sumOfSquares[column], rows.reduce(0) { $0 + $1[column] * $1[column] }))
    }
    let squares = rows.map { $0.reduce(0) { $0 + $1 * $1 } }
    #expect(isClose(found.meanNorm, squares.reduce(0) { $0 + $1.squareRoot() } / 600))
    #expect(isClose(found.secondMoment, squares.reduce(0, +) / 600))
    #expect(found.json["mean"]?.array?.count == 11)
    #expect(found.json["mean_norm"]?.double == found.meanNorm)
    #expect(found.json["second_moment"]?.double == found.secondMoment)
  }

  @Test("Statistics of several shards add up")
  func sumOfStatistics() {
    let sample = SampleRows(rows: 8, dIn: 3)
    var whole = ActivationStatistics(dIn: 3)
    var parts = whole
    for range in [0..<12, 12..<24] {
      var part = ActivationStatistics(dIn: 3)
      part.add(sample.values.span.extracting(range))
      parts.add(part)
    }
    whole.add(sample.values.span)
    #expect(parts.rows == 8)
    #expect(abs(parts.sumOfNorms - whole.sumOfNorms) < 1e-12)
    #expect(ActivationStatistics(dIn: 3).mean == [0, 0, 0])
  }

  @Test("The bytes do not depend on the number of threads or the order of the batches")
  func deterministic() throws {
    let folder = try TemporaryFolder()
    let sample = SampleRows(rows: 300, dIn: 4)
    try sample.write(.bfloat16, to: folder.file("a"))
    try sample.write(.bfloat16, to: folder.file("b"))
    #expect(try contents(of: folder.file("a")) == contents(of: folder.file("b")))
  }

  @Test("A shard whose tensors do not belong together is refused with a sentence")
  func refused() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("shard-00000.safetensors")
    let format = ["saeline.format": "activations/1", "saeline.rows": "1"]
    func tensors(_ changes: [SafetensorsWriter.Tensor]) -> [SafetensorsWriter.Tensor] {
      let sound: [SafetensorsWriter.Tensor] = [
        .init("activations", .float32, shape: [1, 1], bytes: [0, 0, 0, 0]),
        .init("tokens", .uint16, shape: [1], bytes: [0, 0]),
        .init("sequence", .uint32, shape: [1], bytes: [0, 0, 0, 0]),
        .init("position", .uint16, shape: [1], bytes: [0, 0]),
      ]
      return sound.map { tensor in changes.first { $0.name == tensor.name } ?? tensor }
    }
    func sentence(
      _ changes: [SafetensorsWriter.Tensor], _ metadata: [String: String]
    ) throws -> String? {
      try folder.write(
        SafetensorsWriter.encode(tensors(changes), metadata: metadata),
        to: "shard-00000.safetensors")
      do { _ = try ActivationShard.open(path).statistics() } catch {
        return (error as? any Failure)?.sentence
      }
      return nil
    }
    #expect(
      try sentence([], [:]) == "\(path) does not say its format; activations/1 is expected.")
    #expect(
      try sentence([], ["saeline.format": "tokens/1"])
        == "\(path) has the format tokens/1 where activations/1 is expected.")
    #expect(
      try sentence([.init("tokens", .uint16, shape: [2], bytes: [0, 0, 0, 0])], format)
        == "\(path): the tensor tokens has the shape [2] where [1] is expected.")
    #expect(
      try sentence([.init("sequence", .uint16, shape: [1], bytes: [0, 0])], format)
        == "\(path): the tensor sequence has the type U16 where U32 is expected.")
    #expect(
      try sentence([.init("activations", .int32, shape: [1, 1], bytes: [0, 0, 0, 0])], format)
        == "\(path): the tensor activations has the type I32 where F32 or F16 or BF16 is expected.")
    #expect(try sentence([], format) == "\(path): the metadata key saeline.sum is missing.")
    let sums = ["saeline.sum": "1 2", "saeline.sum_of_squares": "1", "saeline.sum_of_norms": "1"]
    #expect(
      try sentence([], format.merging(sums) { $1 })
        == "\(path): the metadata key saeline.sum has the value “1 2”, "
        + "which does not fit the tensors.")
    let words = ["saeline.sum": "x", "saeline.sum_of_squares": "1", "saeline.sum_of_norms": "1"]
    #expect(
      try sentence([], format.merging(words) { $1 })
        == "\(path): the metadata key saeline.sum has the value “x”, "
        + "which does not fit the tensors.")
  }
}
