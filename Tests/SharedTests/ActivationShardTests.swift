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

  /// Row `index` as it comes back from a shard.
  func stored(_ index: Int, _ type: TensorType) -> [Float] {
    let row = values[index * dIn..<(index + 1) * dIn]
    switch type {
    case .float16: return row.map { Float(Float16($0)) }
    case .bfloat16: return row.map { Precision.float(bfloat16: Precision.bfloat16($0)) }
    case .int8:
      let scale = (row.map(\.magnitude).max() ?? 0) / 127
      return row.map { ($0 / scale).rounded(.toNearestOrEven) * scale }
    default: return Array(row)
    }
  }
}

@Suite struct ActivationShardTests {
  @Test(
    "Rows come back at their places, rounded to the storage type",
    arguments: [
      TensorType.float32, .float16, .bfloat16, .int8,
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
      #expect(Array(read[place * 5..<place * 5 + 5]) == sample.stored(row, type))
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
    try sample.write(.int8, to: path)
    let bytes = try SafetensorsFile.open(path)
    let whole = try bytes.require("activations", [.int8], shape: [6, 3])
    let scales = try bytes.require("scales", [.float32], shape: [6])
    #expect(whole.range.lowerBound % 4096 == 0 && scales.range.lowerBound == whole.range.upperBound)
    #expect(bytes.header.tensors.count == 5)
    #expect(bytes.byteCount - whole.range.lowerBound == 6 * (TensorType.int8.rowByteCount(3) + 8))
    try sample.write(.float32, to: path, vocabularySize: 100_000)
    #expect(try SafetensorsFile.open(path).header.tensors["tokens"]?.type == .uint32)
  }

  @Test(
    "The statistics are those of the stored rows",
    arguments: [
      TensorType.float32, .float16, .bfloat16, .int8,
    ])
  func statistics(_ type: TensorType) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("s.safetensors")
    let sample = SampleRows(rows: 600, dIn: 11)
    try sample.write(type, to: path)
    let found = try ActivationShard.open(path).statistics()
    #expect(found == sample.builder(type).statistics())
    #expect(found.rows == 600)
    let rows = (0..<600).map { sample.stored($0, type).map { Double($0) } }
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

  @Test(
    "The bytes do not depend on the number of threads", .serialized,
    arguments: [
      TensorType.float32, .float16, .bfloat16, .int8,
    ])
  func deterministic(_ type: TensorType) throws {
    let folder = try TemporaryFolder()
    let threadCount = Parallel.threadCount
    defer { Parallel.threadCount = threadCount }
    let sample = SampleRows(rows: 1500, dIn: 5)
    for threads in [1, 2, 7] {
      Parallel.threadCount = threads
      try sample.write(type, to: folder.file("\(threads)"))
    }
    let one = try contents(of: folder.file("1"))
    #expect(try contents(of: folder.file("2")) == one)
    #expect(try contents(of: folder.file("7")) == one)
  }

  @Test(
    "Rows that lie apart are put like rows side by side, and those that go nowhere are left out",
    arguments: [
      TensorType.float32, .float16, .bfloat16, .int8,
    ])
  func strided(_ type: TensorType) throws {
    let folder = try TemporaryFolder()
    let sample = SampleRows(rows: 150, dIn: 5)
    try sample.write(type, to: folder.file("close"))
    // Every row twice, the second time with other numbers and no destination.
    var values: [Float] = []
    for row in 0..<150 {
      values += sample.values[row * 5..<row * 5 + 5] + [.nan, .infinity]
      values += [Float](repeating: 3, count: 5) + [.nan, .infinity]
    }
    func doubled(_ numbers: [UInt32], _ other: UInt32) -> [UInt32] {
      numbers.flatMap { [$0, other] }
    }
    let destinations = doubled(sample.places, ActivationShardBuilder.nowhere)
    let tokens = doubled(sample.tokens, 1)
    let sequences = doubled(sample.sequences, 2)
    let positions = doubled(sample.positions, 3)
    var builder = ActivationShardBuilder(
      rows: 150, dIn: 5, type: type, vocabularySize: 1000, contextSize: 4)
    // The last row need not be followed by what lies between rows.
    builder.put(
      values.span.extracting(0..<values.count - 2), stride: 7, at: destinations.span,
      tokens: tokens.span, sequences: sequences.span, positions: positions.span)
    var file = try AtomicFile.create(folder.file("apart"))
    try builder.write(metadata: ["hook": "h"], to: &file)
    try file.publishReplacing()
    #expect(try contents(of: folder.file("apart")) == contents(of: folder.file("close")))
  }

  @Test("A row with NaN or an infinity is NaN throughout in I8, and so are its sums")
  func notFinite() throws {
    let folder = try TemporaryFolder()
    let values: [Float] = [1, .nan, 3, 2, -.infinity, 0, 0, 0, -0.0, 1, -2, 2]
    let numbers: [UInt32] = [0, 1, 2, 3]
    var builder = ActivationShardBuilder(
      rows: 4, dIn: 3, type: .int8, vocabularySize: 10, contextSize: 10)
    builder.put(
      values.span, at: numbers.span, tokens: numbers.span, sequences: numbers.span,
      positions: numbers.span)
    let path = folder.file("s")
    var file = try AtomicFile.create(path)
    try builder.write(to: &file)
    try file.publishReplacing()
    let shard = try ActivationShard.open(path)
    var read = [Float](repeating: 7, count: 12)
    var span = read.mutableSpan
    shard.readRows(0..<4, into: &span)
    #expect(read[0..<6].allSatisfy { $0.isNaN })
    #expect(read[6..<9] == [0, 0, 0] && read[11] == 127 * (2.0 as Float / 127))
    #expect(try shard.statistics().mean.allSatisfy { $0.isNaN })
    let stored = try SafetensorsFile.open(path)
    let scales = try stored.require("scales", [.float32], shape: [4])
    var factors = [Float](repeating: 0, count: 4)
    var factorSpan = factors.mutableSpan
    stored.readFloats(scales, into: &factorSpan)
    #expect(factors[0].isNaN && factors[1].isNaN && Array(factors[2...]) == [0, 2.0 / 127])
  }

  @Test("A shard written with NumPy reads to the same numbers, and the same rows give its bytes")
  func foreignShard() throws {
    let path = SafetensorsParts.fixture("shard-int8.safetensors")
    let shard = try ActivationShard.open(path)
    #expect(shard.rows == 24 && shard.dIn == 19 && shard.type == .int8)
    let file = try SafetensorsFile.open(path)
    func floats(_ name: String) throws -> [Float] {
      let entry = try file.require(name, [.float32], shape: [24, 19])
      var values = [Float](repeating: 0, count: 24 * 19)
      var span = values.mutableSpan
      file.readFloats(entry, into: &span)
      return values
    }
    let expected = try floats("read")
    var read = [Float](repeating: .nan, count: 24 * 19)
    var span = read.mutableSpan
    shard.readRows(0..<24, into: &span)
    #expect(read == expected)
    var two = [Float](repeating: .nan, count: 38)
    var twoSpan = two.mutableSpan
    shard.readRows(21..<23, into: &twoSpan)
    #expect(two == Array(expected[21 * 19..<23 * 19]))

    let folder = try TemporaryFolder()
    let (values, tokens) = (try floats("values"), shard.tokens())
    let (sequences, positions) = (shard.sequences(), shard.positions())
    let places = (0..<24).map { UInt32($0) }
    var builder = ActivationShardBuilder(
      rows: 24, dIn: 19, type: .int8, vocabularySize: 11, contextSize: 4)
    builder.put(
      values.span, at: places.span, tokens: tokens.span, sequences: sequences.span,
      positions: positions.span)
    var ours = try AtomicFile.create(folder.file("ours"))
    try builder.write(to: &ours)
    try ours.publishReplacing()
    let written = try SafetensorsFile.open(folder.file("ours"))
    for name in ["activations", "scales", "sequence", "tokens", "position"] {
      let (mine, theirs) = (try written.bytes(name), try file.bytes(name))
      #expect(
        [UInt8](copying: mine.octets) == [UInt8](copying: theirs.octets), "\(name)")
    }
    let (sums, foreign) = (builder.statistics(), try shard.statistics())
    #expect(sums.sum == foreign.sum && sums.sumOfSquares == foreign.sumOfSquares)
    #expect(abs(sums.sumOfNorms - foreign.sumOfNorms) <= 1e-12 * foreign.sumOfNorms)
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
        == "\(path): the tensor activations has the type I32 where "
        + "F32 or F16 or BF16 or I8 is expected.")
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

  @Test("A shard of I8 rows without sound scales is refused with a sentence")
  func refusedScales() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("shard-00000.safetensors")
    func sentence(_ scales: SafetensorsWriter.Tensor?) throws -> String? {
      var tensors: [SafetensorsWriter.Tensor] = [
        .init("activations", .int8, shape: [2, 1], bytes: [1, 0x80]),
        .init("tokens", .uint16, shape: [2], bytes: [0, 0, 0, 0]),
        .init("sequence", .uint32, shape: [2], bytes: [UInt8](repeating: 0, count: 8)),
        .init("position", .uint16, shape: [2], bytes: [0, 0, 0, 0]),
      ]
      if let scales { tensors.append(scales) }
      try folder.write(
        SafetensorsWriter.encode(
          tensors, metadata: ["saeline.format": "activations/1", "saeline.rows": "2"]),
        to: "shard-00000.safetensors")
      do { _ = try ActivationShard.open(path) } catch {
        return (error as? any Failure)?.sentence
      }
      return nil
    }
    #expect(try sentence(nil) == "\(path) holds no tensor scales.")
    #expect(
      try sentence(.init("scales", .float32, shape: [1], bytes: [0, 0, 0, 0]))
        == "\(path): the tensor scales has the shape [1] where [2] is expected.")
    #expect(
      try sentence(
        .init("scales", .float32, shape: [2, 1], bytes: [UInt8](repeating: 0, count: 8)))
        == "\(path): the tensor scales has the shape [2, 1] where [2] is expected.")
    #expect(
      try sentence(.init("scales", .float16, shape: [2], bytes: [0, 0, 0, 0]))
        == "\(path): the tensor scales has the type F16 where F32 is expected.")
    // -128 is written by nobody, and read by the same rule; 2 and -0.5 are the scales.
    let sound: [UInt8] = [0, 0, 0, 0x40, 0, 0, 0, 0xBF]
    #expect(try sentence(.init("scales", .float32, shape: [2], bytes: sound)) == nil)
    var read: [Float] = [0, 0]
    var span = read.mutableSpan
    try ActivationShard.open(path).readRows(0..<2, into: &span)
    #expect(read == [2, 64])
  }
}
