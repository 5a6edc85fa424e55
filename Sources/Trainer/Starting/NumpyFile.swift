// Arrays of numpy.savez, `*.npz`: a zip archive of `*.npy`. Comes in: the bytes of the file. Leaves: its
// arrays by name. Arrays of objects, which numpy keeps as pickles, are refused like every type but floats.

import Shared

/// Why an array is refused.
package enum NumpyError: Failure, Equatable {
  case malformed(path: String, array: String, what: String)
  case unexpectedType(path: String, array: String, type: String)
  case wrongSize(path: String, array: String, shape: [Int], byteCount: Int)

  package var sentence: String {
    switch self {
    case .malformed(let path, let array, let what): "\(path): the array \(array) \(what)."
    case .unexpectedType(let path, let array, let type):
      "\(path): the array \(array) has the type \(type); <f2, <f4 and <f8 are read."
    case .wrongSize(let path, let array, let shape, let byteCount):
      "\(path): the array \(array) of shape \(shape) has \(byteCount) bytes, which do not fit it."
    }
  }

  package var hint: String? {
    "Save it again with numpy.savez, as arrays of float32 on a little-endian machine."
  }
}

enum NumpyFile {
  /// The arrays of an archive.
  static func tensors(_ bytes: RawSpan, path: String) throws -> [String: StoredTensor] {
    var tensors: [String: StoredTensor] = [:]
    for (name, range) in try ZipArchive(bytes, path: path).entries where name.hasSuffix(".npy") {
      let array = String(name.dropLast(4))
      tensors[array] = try tensor(array, bytes.extracting(range), at: range.lowerBound, path)
    }
    return tensors
  }

  private static func tensor(
    _ array: String, _ bytes: RawSpan, at start: Int, _ path: String
  ) throws -> StoredTensor {
    func malformed(_ what: String) -> NumpyError {
      .malformed(path: path, array: array, what: what)
    }
    let numbers = LittleEndian(bytes, path: path)
    guard bytes.byteCount >= 12, try numbers.at(0, 6) == 0x5950_4D55_4E93 else {
      throw malformed("is no array of numpy")
    }
    let version = try numbers.at(6, 1)
    guard (1...3).contains(version) else { throw malformed("has the unknown version \(version)") }
    let sizeCount = version == 1 ? 2 : 4
    let headerCount = try numbers.at(8, sizeCount)
    guard headerCount <= 65_536 else { throw malformed("has a header of \(headerCount) bytes") }
    let payload = 8 + sizeCount + headerCount
    let text = try numbers.text(8 + sizeCount, headerCount)
    guard let header = NumpyHeader(text) else { throw malformed("has a header that is none") }
    guard let type = NumpyFile.types[header.type] else {
      throw NumpyError.unexpectedType(path: path, array: array, type: header.type)
    }
    var size = (value: type.byteCount, overflow: false)
    for dimension in header.shape {
      let product = size.value.multipliedReportingOverflow(by: dimension)
      size = (product.partialValue, size.overflow || product.overflow)
    }
    guard !size.overflow, size.value == bytes.byteCount - payload else {
      throw NumpyError.wrongSize(
        path: path, array: array, shape: header.shape, byteCount: bytes.byteCount - payload)
    }
    let range = start + payload..<start + bytes.byteCount
    let entry = TensorEntry(name: array, type: type, shape: header.shape, range: range)
    let liesByColumns = header.liesByColumns && header.shape.count == 2
    return StoredTensor(entry, strides: liesByColumns ? [1, header.shape[0]] : nil)
  }

  private static let types: [String: TensorType] = [
    "<f2": .float16, "<f4": .float32, "<f8": .float64,
  ]
}

/// The dictionary at the beginning of an array, `{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }`.
struct NumpyHeader {
  private(set) var type = ""
  private(set) var liesByColumns = false
  private(set) var shape: [Int] = []

  /// Reads a header; nil of anything but the three members that numpy writes.
  init?(_ text: String) {
    var rest = text[...]
    var members: Set<String> = []
    guard NumpyHeader.take("{", &rest) else { return nil }
    while !NumpyHeader.take("}", &rest) {
      guard let name = NumpyHeader.quoted(&rest), members.insert(name).inserted,
        NumpyHeader.take(":", &rest), read(name, &rest)
      else { return nil }
      _ = NumpyHeader.take(",", &rest)
    }
    guard members.count == 3, rest.allSatisfy(\.isWhitespace) else { return nil }
  }

  private mutating func read(_ name: String, _ rest: inout Substring) -> Bool {
    switch name {
    case "descr":
      guard let word = NumpyHeader.quoted(&rest) else { return false }
      type = word
    case "fortran_order":
      if NumpyHeader.take("True", &rest) {
        liesByColumns = true
      } else if !NumpyHeader.take("False", &rest) {
        return false
      }
    case "shape":
      guard let sizes = NumpyHeader.sizes(&rest) else { return false }
      shape = sizes
    default: return false
    }
    return true
  }

  private static func take(_ word: String, _ rest: inout Substring) -> Bool {
    rest = rest.drop { $0 == " " }
    guard rest.hasPrefix(word) else { return false }
    rest = rest.dropFirst(word.count)
    return true
  }

  private static func quoted(_ rest: inout Substring) -> String? {
    guard take("'", &rest), let end = rest.firstIndex(of: "'") else { return nil }
    let word = String(rest[..<end])
    rest = rest[rest.index(after: end)...]
    return word
  }

  private static func sizes(_ rest: inout Substring) -> [Int]? {
    guard take("(", &rest) else { return nil }
    var sizes: [Int] = []
    while !take(")", &rest) {
      let digits = rest.drop { $0 == " " }.prefix { $0.isASCII && $0.isNumber }
      guard let size = Int(digits), sizes.count < 8 else { return nil }
      sizes.append(size)
      rest = rest[digits.endIndex...]
      _ = take(",", &rest)
    }
    return sizes
  }
}
