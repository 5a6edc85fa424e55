// Zip archives whose entries are stored as they are, as numpy and torch write them. Comes in: the bytes of
// a whole file. Leaves: where each entry's bytes lie, once every number about them is proven.

/// Why an archive is refused.
package enum ArchiveError: Failure, Equatable {
  case notZip(path: String)
  case damaged(path: String, what: String)
  case compressed(path: String, entry: String)
  case encrypted(path: String, entry: String)
  case tooManyEntries(path: String, count: Int)

  package var sentence: String {
    switch self {
    case .notZip(let path): "\(path) is no zip archive."
    case .damaged(let path, let what): "\(path) is damaged: \(what)."
    case .compressed(let path, let entry): "\(path): the entry \(entry) is compressed."
    case .encrypted(let path, let entry): "\(path): the entry \(entry) is encrypted."
    case .tooManyEntries(let path, let count):
      "\(path) has \(count) entries; at most \(ZipArchive.entryLimit) are read."
    }
  }

  package var hint: String? {
    switch self {
    case .compressed: "Save it again with numpy.savez or torch.save, which compress nothing."
    case .notZip, .damaged, .encrypted, .tooManyEntries: "Fetch or create the file again."
    }
  }
}

/// The entries of an archive.
package struct ZipArchive: Sendable, Equatable {
  package static let entryLimit = 1 << 17
  /// The longest comment that may stand behind the directory.
  private static let commentLimit = 0xFFFF

  /// Where the bytes of each entry lie in the file, by name.
  package let entries: [String: Range<Int>]

  /// Reads the directory of an archive; `path` is named in errors.
  package init(_ bytes: RawSpan, path: String) throws(ArchiveError) {
    let numbers = LittleEndian(bytes, path: path)
    let directory = try Directory(numbers)
    guard directory.count <= ZipArchive.entryLimit else {
      throw .tooManyEntries(path: path, count: directory.count)
    }
    var entries: [String: Range<Int>] = [:]
    var place = directory.start
    for _ in 0..<directory.count {
      let record = try Record(numbers, at: place)
      place = record.end
      let range = try record.range(numbers)
      guard entries.updateValue(range, forKey: record.name) == nil else {
        throw numbers.damage("two entries are called \(record.name)")
      }
    }
    self.entries = entries
  }

  /// Where the directory of entries lies.
  private struct Directory {
    let start: Int
    let count: Int

    init(_ numbers: borrowing LittleEndian) throws(ArchiveError) {
      let end = try Directory.end(numbers)
      let locator = end - 20
      if locator >= 0, try numbers.at(locator, 4) == 0x0706_4B50 {
        let wide = try numbers.at(locator + 8, 8)
        guard try numbers.at(wide, 4) == 0x0606_4B50 else {
          throw numbers.damage("its directory is not where it should be")
        }
        count = try numbers.at(wide + 32, 8)
        start = try numbers.at(wide + 48, 8)
      } else {
        count = try numbers.at(end + 10, 2)
        start = try numbers.at(end + 16, 4)
      }
    }

    /// The place of the record that ends the file.
    private static func end(_ numbers: borrowing LittleEndian) throws(ArchiveError) -> Int {
      var place = numbers.byteCount - 22
      let last = max(0, place - commentLimit)
      while place >= last {
        if try numbers.at(place, 4) == 0x0605_4B50 { return place }
        place -= 1
      }
      throw .notZip(path: numbers.path)
    }
  }

  /// What the directory says of an entry.
  private struct Record {
    let name: String
    let end: Int
    private let flags: Int
    private let method: Int
    private let byteCount: Int
    private let storedByteCount: Int
    private let header: Int

    init(_ numbers: borrowing LittleEndian, at place: Int) throws(ArchiveError) {
      guard try numbers.at(place, 4) == 0x0201_4B50 else {
        throw numbers.damage("its directory is cut short")
      }
      flags = try numbers.at(place + 8, 2)
      method = try numbers.at(place + 10, 2)
      let nameCount = try numbers.at(place + 28, 2)
      let extraCount = try numbers.at(place + 30, 2)
      let extra = place + 46 + nameCount
      end = extra + extraCount + (try numbers.at(place + 32, 2))
      name = try numbers.text(place + 46, nameCount)
      var wide = try WideNumbers(numbers, extra..<extra + extraCount)
      byteCount = try wide.widened(try numbers.at(place + 24, 4), numbers)
      storedByteCount = try wide.widened(try numbers.at(place + 20, 4), numbers)
      header = try wide.widened(try numbers.at(place + 42, 4), numbers)
    }

    /// Where the entry's bytes lie.
    func range(_ numbers: borrowing LittleEndian) throws(ArchiveError) -> Range<Int> {
      if flags & 1 != 0 { throw .encrypted(path: numbers.path, entry: name) }
      guard method == 0 else { throw .compressed(path: numbers.path, entry: name) }
      guard byteCount == storedByteCount, try numbers.at(header, 4) == 0x0403_4B50 else {
        throw numbers.damage("the entry \(name) is not where it should be")
      }
      let names = try numbers.at(header + 26, 2) + numbers.at(header + 28, 2)
      let start = header + 30 + names
      guard start <= numbers.byteCount, byteCount <= numbers.byteCount - start else {
        throw numbers.damage("the entry \(name) reaches beyond the end of the file")
      }
      return start..<start + byteCount
    }
  }

  /// The 64-bit numbers of an entry, in the order in which fields of 32 bits refer to them.
  private struct WideNumbers {
    private var place: Int
    private var end: Int

    init(_ numbers: borrowing LittleEndian, _ extra: Range<Int>) throws(ArchiveError) {
      (place, end) = (extra.upperBound, extra.upperBound)
      var field = extra.lowerBound
      while field + 4 <= extra.upperBound {
        let count = try numbers.at(field + 2, 2)
        if try numbers.at(field, 2) == 1 {
          (place, end) = (field + 4, min(extra.upperBound, field + 4 + count))
          return
        }
        field += 4 + count
      }
    }

    mutating func widened(
      _ value: Int, _ numbers: borrowing LittleEndian
    ) throws(ArchiveError) -> Int {
      guard value == 0xFFFF_FFFF else { return value }
      guard place + 8 <= end else { throw numbers.damage("a size is missing") }
      defer { place += 8 }
      return try numbers.at(place, 8)
    }
  }
}

/// Little-endian numbers of a file, each looked up within its bounds.
package struct LittleEndian: ~Escapable {
  package let path: String
  private let bytes: Span<UInt8>

  @_lifetime(copy bytes)
  package init(_ bytes: RawSpan, path: String) {
    self.bytes = bytes.octets
    self.path = path
  }

  package var byteCount: Int { bytes.count }

  package func damage(_ what: String) -> ArchiveError { .damaged(path: path, what: what) }

  /// The number of `count` bytes at `place`, which must fit a signed one.
  package func at(_ place: Int, _ count: Int) throws(ArchiveError) -> Int {
    guard place >= 0, place <= bytes.count, count <= bytes.count - place else {
      throw damage("it is cut short")
    }
    var value: UInt64 = 0
    for index in (0..<count).reversed() { value = value << 8 | UInt64(bytes[place + index]) }
    // Beyond any file, and far enough from overflow for sums.
    guard value < 1 << 60 else { throw damage("it states a size that no file has") }
    return Int(value)
  }

  /// The text of `count` bytes at `place`.
  package func text(_ place: Int, _ count: Int) throws(ArchiveError) -> String {
    guard place >= 0, place <= bytes.count, count <= bytes.count - place else {
      throw damage("it is cut short")
    }
    return String(decoding: Array(copying: bytes.extracting(place..<place + count)), as: UTF8.self)
  }
}
