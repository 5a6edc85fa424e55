// The rows of an imported cache. Comes in: a range over all files. Leaves: activations and tokens.

import Shared

/// Reads an imported cache; keeps the record batch that was read last.
package struct ImportedRows {
  private let cache: ImportedCache
  /// The first row of every file.
  private let starts: [Int]
  private var held: Held?

  private struct Held {
    let file: Int
    let batch: Int
    let stream: ArrowStream
    let values: ArrowTensors
    let tokens: ArrowTensors?
  }

  package init(_ cache: ImportedCache) {
    self.cache = cache
    starts = cache.files.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.rowCount) }
  }

  /// Fills `target`, `[rows.count, dIn]`, and returns the rows' tokens, zeros where none are known.
  ///
  /// Of Arrow files the rows must be whole sequences.
  package mutating func read(
    _ rows: Range<Int>, into target: inout MutableSpan<Float>
  ) throws -> [UInt32] {
    let width = cache.dIn
    precondition(target.count == rows.count * width, "target and rows differ in size")
    var tokens = [UInt32](repeating: 0, count: rows.count)
    for index in cache.files.indices {
      let wanted = (starts[index]..<starts[index + 1]).clamped(to: rows)
      if wanted.isEmpty { continue }
      let own = wanted.lowerBound - starts[index]..<wanted.upperBound - starts[index]
      let first = wanted.lowerBound - rows.lowerBound
      let ids = try target.withDisjoint { memory in
        try memory.withSlice(first * width..<(first + wanted.count) * width) { slice in
          try readFile(index, own, into: &slice)
        }
      }
      if !ids.isEmpty { tokens.replaceSubrange(first..<first + wanted.count, with: ids) }
    }
    return tokens
  }

  /// Reads rows of one file; returns no tokens where the file has none.
  private mutating func readFile(
    _ index: Int, _ rows: Range<Int>, into target: inout MutableSpan<Float>
  ) throws -> [UInt32] {
    let file = cache.files[index]
    var tokens: [UInt32] = []
    switch file.content {
    case .tensor(let name): try readTensor(name, of: file, rows, into: &target)
    case .batches(let batches): tokens = try readBatches(index, batches, rows, into: &target)
    }
    if let wrong = ImportedRows.firstNotFinite(target.span) {
      throw ExchangeError.notFinite(path: file.path, row: rows.lowerBound + wrong / cache.dIn)
    }
    return tokens
  }

  private func readTensor(
    _ name: String, of file: ImportedFile, _ rows: Range<Int>, into target: inout MutableSpan<Float>
  ) throws {
    let content = try SafetensorsFile.open(file.path)
    let entry = try content.require(
      name, [.float32, .float16, .bfloat16], shape: content.header.tensors[name]?.shape ?? [])
    guard entry.count == file.rowCount * cache.dIn else {
      throw ExchangeError.shapeDiffers(
        path: file.path, shape: entry.shape, expected: [file.rowCount, cache.dIn])
    }
    content.readFloats(entry, from: rows.lowerBound * cache.dIn, into: &target)
  }

  private static func firstNotFinite(_ values: Span<Float>) -> Int? {
    var exponents: UInt32 = 0
    for index in 0..<values.count {
      exponents |= values[index].bitPattern & 0x7F80_0000 == 0x7F80_0000 ? 1 : 0
    }
    return exponents == 0 ? nil : (0..<values.count).first { !values[$0].isFinite }
  }

  /// Reads rows of one Arrow file; returns no tokens where the cache has none.
  private mutating func readBatches(
    _ file: Int, _ batches: [ImportedFile.Batch], _ rows: Range<Int>,
    into target: inout MutableSpan<Float>
  ) throws -> [UInt32] {
    let length = cache.contextSize ?? 1
    let sequences = rows.lowerBound / length..<rows.upperBound / length
    let sequenceWidth = length * cache.dIn
    var tokens: [UInt32] = []
    var first = 0
    for (index, batch) in batches.enumerated() {
      defer { first += batch.sequenceCount }
      let wanted = (first..<first + batch.sequenceCount).clamped(to: sequences)
      if wanted.isEmpty { continue }
      let held = try hold(file, index, batch)
      let own = wanted.lowerBound - first..<wanted.upperBound - first
      let place = wanted.lowerBound - sequences.lowerBound
      try target.withDisjoint { memory in
        try memory.withSlice(place * sequenceWidth..<(place + wanted.count) * sequenceWidth) {
          try held.values.read(own, shape: [length, cache.dIn], firstRow: first, into: &$0)
        }
      }
      if let ids = held.tokens {
        // They were proven to be token ids when the cache was looked through.
        tokens += try ids.integers(own, shape: [length], firstRow: first).map {
          UInt32(clamping: $0)
        }
      }
    }
    return tokens
  }

  private mutating func hold(_ file: Int, _ index: Int, _ batch: ImportedFile.Batch) throws -> Held
  {
    if let held, held.file == file, held.batch == index { return held }
    let path = cache.files[file].path
    let stream =
      if let held, held.file == file { held.stream } else { try ArrowStream(InputFile(path)) }
    // What was held is let go before as much again is read.
    held = nil
    guard let message = try stream.message(at: batch.position) else {
      throw ArrowError.cutShort(path: path, byte: stream.file.byteCount)
    }
    var grown = 0
    let values = try ArrowTensors(
      stream.column(
        stream.column(cache.column, as: .matrices), of: message, grown: &grown))
    guard values.rowCount == batch.sequenceCount else {
      throw ExchangeError.shapeDiffers(
        path: path, shape: [values.rowCount], expected: [batch.sequenceCount])
    }
    var tokens: ArrowTensors?
    if cache.hasTokens {
      tokens = try ArrowTensors(
        stream.column(
          stream.column(ArrowMatrixStream.tokenColumn, as: .tokens), of: message, grown: &grown))
    }
    let now = Held(file: file, batch: index, stream: stream, values: values, tokens: tokens)
    held = now
    return now
  }
}
