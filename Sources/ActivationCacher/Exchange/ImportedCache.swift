// A cache of activations that another program wrote. Comes in: a folder of SAELens's Arrow files, of
// its older safetensors files, or of plain ones. Leaves: their rows, counted, and the shape of all.

import Shared

/// The files of a cache, looked through once.
package struct ImportedCache: Sendable {
  package let folder: String
  package let files: [ImportedFile]
  /// The column of Arrow files that holds the activations.
  let column: String
  /// Rows of a sequence; nil where the files are rows after rows.
  package let contextSize: Int?
  package let dIn: Int
  /// The token of every row is known.
  package let hasTokens: Bool
  /// One more than the highest token.
  package let vocabularySize: Int

  package var rowCount: Int { files.reduce(0) { $0 + $1.rowCount } }

  /// Looks through a folder; `hookName` is the column of Arrow files.
  package static func open(_ folder: String, hookName: String) throws -> ImportedCache {
    let names = try System.list(folder).filter { !$0.hasPrefix(".") }
    var files: [ImportScan] = []
    if names.contains("state.json") {
      for name in try listedFiles(folder + "/state.json") {
        files.append(try ImportScan.arrow(folder + "/" + name, column: hookName))
      }
    } else {
      let tensors = inOrder(names.filter { $0.hasSuffix(".safetensors") })
      guard !tensors.isEmpty else {
        if names.contains(where: { $0.hasSuffix(".arrow") }) {
          throw ExchangeError.unfinishedCache(folder)
        }
        throw ExchangeError.noCache(folder)
      }
      files = try tensors.map { try ImportScan.tensor(folder + "/" + $0) }
    }
    files.removeAll { $0.file.rowCount == 0 }
    guard let first = files.first, let width = first.shape.last, width > 0 else {
      throw ExchangeError.empty(folder)
    }
    for file in files where file.shape != first.shape {
      throw ExchangeError.shapeDiffers(
        path: file.file.path, shape: file.shape, expected: first.shape)
    }
    return ImportedCache(
      folder: folder, files: files.map(\.file), column: hookName,
      contextSize: first.shape.count == 2 ? first.shape[0] : nil, dIn: width,
      hasTokens: files.allSatisfy { $0.highestToken != nil },
      vocabularySize: (files.compactMap(\.highestToken).max() ?? 0) + 1)
  }

  /// The files that a data set says it has.
  private static func listedFiles(_ state: String) throws -> [String] {
    let bytes = try MappedFile.contents(state)
    guard let list = (try? JSON(parsing: bytes))?["_data_files"]?.array
    else { throw ExchangeError.malformedState(path: state) }
    let names = try list.map { item in
      guard let name = item["filename"]?.string, name.isPlainName, !name.hasPrefix(".")
      else { throw ExchangeError.malformedState(path: state) }
      return name
    }
    guard Set(names).count == names.count else { throw ExchangeError.malformedState(path: state) }
    return names
  }

  /// Names in order of the numbers that they are, where all are numbers.
  private static func inOrder(_ names: [String]) -> [String] {
    let numbers = names.map { Int($0.dropLast(".safetensors".count)) }
    guard !numbers.contains(nil) else { return names }
    return zip(names, numbers).sorted { ($0.1 ?? 0) < ($1.1 ?? 0) }.map(\.0)
  }
}

/// A file of a cache.
package struct ImportedFile: Sendable, Equatable {
  package let path: String
  package let rowCount: Int
  let content: Content

  enum Content: Sendable, Equatable {
    /// The record batches of an Arrow file: where they are, and how many sequences they have.
    case batches([Batch])
    /// The tensor of a safetensors file.
    case tensor(String)
  }

  struct Batch: Sendable, Equatable {
    let position: Int
    let sequenceCount: Int
  }
}

/// What a look through one file finds.
private struct ImportScan {
  let file: ImportedFile
  /// `[context_size, d_in]`, or `[d_in]` where rows follow rows.
  let shape: [Int]
  let highestToken: Int?

  /// Rows of tokens that are read at once.
  private static let stretch = 1024
  /// No file has as many rows; their sums and sizes can be counted.
  private static let rowLimit = 1 << 48

  // MARK: - Arrow

  static func arrow(_ path: String, column: String) throws -> ImportScan {
    let stream = try ArrowStream(InputFile(path))
    guard let index = stream.fields.firstIndex(where: { $0.name == column }) else {
      throw ExchangeError.missingColumn(
        path: path, column: column, found: stream.fields.map(\.name))
    }
    guard stream.fields[index].content == .matrices else {
      throw ExchangeError.notMatrices(path: path, column: column)
    }
    let tokenIndex = stream.fields.firstIndex {
      $0.name == ArrowMatrixStream.tokenColumn && $0.content == .tokens
    }
    var shape = statedShape(stream.fields[index])
    var batches: [ImportedFile.Batch] = []
    var highest = tokenIndex == nil ? nil : 0
    var sequences = 0
    var position = stream.bodyStart
    while let message = try stream.message(at: position) {
      position = message.end
      guard message.kind == .recordBatch else { continue }
      var grown = 0
      let values = try ArrowTensors(stream.column(index, of: message, grown: &grown))
      guard values.rowCount > 0 else { continue }
      let found = try values.shape(of: 0)
      guard shape == nil || shape == found else {
        throw ExchangeError.shapeDiffers(path: path, shape: found, expected: shape ?? [])
      }
      guard found.count == 2, found[0] > 0, found[1] > 0, values.hasRoom(for: found) else {
        throw ExchangeError.notMatrices(path: path, column: column)
      }
      shape = found
      if let tokenIndex {
        let ids = try ArrowTensors(stream.column(tokenIndex, of: message, grown: &grown))
        guard ids.rowCount == values.rowCount else {
          throw ExchangeError.shapeDiffers(
            path: path, shape: [ids.rowCount], expected: [values.rowCount])
        }
        highest = max(
          highest ?? 0, try highestToken(ids, length: found[0], firstRow: sequences, path: path))
      }
      batches.append(
        ImportedFile.Batch(position: message.position, sequenceCount: values.rowCount))
      sequences += values.rowCount
    }
    let (rowCount, overflow) = sequences.multipliedReportingOverflow(by: shape?.first ?? 0)
    guard !overflow, rowCount <= rowLimit else { throw ExchangeError.tooManySequences(path) }
    return ImportScan(
      file: ImportedFile(path: path, rowCount: rowCount, content: .batches(batches)),
      shape: shape ?? [], highestToken: highest)
  }

  /// The shape that an Array2D states, such as `[[128, 512], "float32"]`.
  private static func statedShape(_ field: ArrowField) -> [Int]? {
    guard let text = field.metadata[ArrowMatrixStream.extensionMetadata],
      let json = try? JSON(parsing: Array(text.utf8)),
      let sizes = json.array?.first?.array?.map(\.integer), sizes.count == 2
    else { return nil }
    let known = sizes.compactMap { $0 }
    return known.count == 2 ? known : nil
  }

  private static func highestToken(
    _ ids: ArrowTensors, length: Int, firstRow: Int, path: String
  ) throws -> Int {
    var highest = 0
    for start in stride(from: 0, to: ids.rowCount, by: stretch) {
      let rows = start..<min(start + stretch, ids.rowCount)
      let values = try ids.integers(rows, shape: [length], firstRow: firstRow)
      for (index, value) in values.enumerated() {
        guard UInt32(exactly: value) != nil else {
          throw ExchangeError.notAToken(
            path: path, row: firstRow + start + index / length, value: Int(value))
        }
        highest = max(highest, Int(value))
      }
    }
    return highest
  }

  // MARK: - Safetensors

  static func tensor(_ path: String) throws -> ImportScan {
    let header = try SafetensorsFile.open(path).header
    let all = header.tensors.values
    guard let entry = header.tensors["activations"] ?? (all.count == 1 ? all.first : nil) else {
      throw ExchangeError.noSingleTensor(path: path, count: all.count)
    }
    let isNumber = [.float32, .float16, .bfloat16].contains(entry.type)
    guard isNumber, (2...3).contains(entry.shape.count),
      entry.shape.dropFirst().allSatisfy({ $0 > 0 })
    else {
      throw ExchangeError.notATensorOfRows(
        path: path, tensor: entry.name, type: entry.type, shape: entry.shape)
    }
    // Versions of SAELens before 4 wrote [rows, 1, d_in].
    let isFlat = entry.shape.count == 2 || entry.shape[1] == 1
    let rows = entry.shape.dropLast().reduce(1, *)
    return ImportScan(
      file: ImportedFile(path: path, rowCount: rows, content: .tensor(entry.name)),
      shape: isFlat ? [entry.shape[entry.shape.count - 1]] : Array(entry.shape.dropFirst()),
      highestToken: nil)
  }
}
