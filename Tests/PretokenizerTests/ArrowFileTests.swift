import Pretokenizer
import Shared
import Support
import Testing

private func path(_ name: String) -> String {
  ProjectFiles.root + "/Tests/Fixtures/arrow/" + name + ".arrow"
}

private func read(_ name: String, _ column: String, _ content: ColumnContent) throws
  -> CollectingSink
{
  var sink = CollectingSink(skipsInvalid: true)
  try ArrowFile(InputFile(path(name)), limit: 1 << 20).read(
    column: column, as: content, into: &sink)
  return sink
}

@Suite struct ArrowFileTests {
  @Test("A null of the dictionary makes its row null")
  func nullInDictionary() throws {
    let sink = try read("coded", "text", .text)
    #expect(sink.texts == ["one", "two", "one"])
    let place = path("coded")
    #expect(
      sink.problems == [1, 2].map { "\(place), row \($0): “text” is null or holds a null." })
  }

  @Test("Whole numbers of every size are token ids where they fit", arguments: [8, 16, 32, 64])
  func sizes(_ bits: Int) throws {
    let signed = try read("wide", "int\(bits)", .tokens)
    let highest = UInt32(min(1 << (bits - 1) - 1 as UInt64, 0xFFFF_FFFF))
    #expect(signed.lists == [[0, highest], []])
    #expect(
      signed.problems == ["\(path("wide")), row 2: “int\(bits)” holds what is no token id."])
    let unsigned = try read("wide", "uint\(bits)", .tokens)
    let top = bits < 32 ? UInt32(1) << UInt32(bits) - 1 : .max
    #expect(unsigned.lists == [[0, top], []] + (bits < 64 ? [[1, 7]] : []))
    #expect(unsigned.problems.count == (bits < 64 ? 0 : 1))
  }

  @Test("Columns of every other type are passed over")
  func otherColumns() throws {
    #expect(try read("nested", "input_ids", .tokens).lists == [[1, 2], [], [3]])
    #expect(try read("nested", "coded", .text).texts == ["x", "y", "x"])
    #expect(try read("nested", "view", .text).texts == ["short", "longer than twelve bytes"])
    let columns = try ArrowFile(InputFile(path("nested")), limit: 1).columns
    #expect(
      columns.filter { $0.content != nil }.map(\.name) == ["view", "coded", "input_ids"])
  }

  @Test("Lists of no width are refused: no byte would bound their number")
  func noWidth() throws {
    #expect {
      try read("empty", "input_ids", .tokens)
    } throws: { error in
      (error as? ArrowError)?.sentence.hasSuffix(": lists of an impossible size.") == true
    }
  }

  @Test("A schema whose fields share their children is refused at once")
  func sharedChildren() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(SharedSchema(depth: 60).stream, to: "a.arrow")
    #expect(
      throws: ArrowError.malformed(path: file, byte: 0, what: "metadata that makes no sense")
    ) {
      _ = try ArrowFile(InputFile(file), limit: 1)
    }
    let honest = try folder.write(SharedSchema(depth: 1).stream, to: "b.arrow")
    #expect(try ArrowFile(InputFile(honest), limit: 1).columns.count == 2)
  }
}

/// A schema message in which two fields of every depth are the same table.
private struct SharedSchema {
  private var bytes = [UInt8](repeating: 0, count: 8)

  /// The message in its frame.
  var stream: [UInt8] {
    var stream: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
    stream += SharedSchema.number(UInt32(bytes.count))
    return stream + bytes
  }

  init(depth: Int) {
    // Message: version, kind 1 (schema), header, length of the body.
    let message = table([2, 1, 4, 8], values: [4, 1, 0, 0])
    link(from: 0, to: message.start)
    let schema = table([2, 4], values: [0, 0])
    link(from: message.fields[2], to: schema.start)
    var parent = schema.fields[1]
    for _ in 0..<depth {
      let list = vector(count: 2)
      link(from: parent, to: list)
      // Field: type 13 (structure) at place 2, children at place 5.
      let field = table([0, 0, 1, 0, 0, 4], values: [0, 0, 13, 0, 0, 0])
      link(from: list + 4, to: field.start)
      link(from: list + 8, to: field.start)
      parent = field.fields[5]
    }
    let nothing = vector(count: 0)
    link(from: parent, to: nothing)
    align()
  }

  private static func number<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
    (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> Number($0 * 8)) }
  }

  private mutating func align() { while bytes.count % 8 != 0 { bytes.append(0) } }

  private mutating func link(from place: Int, to target: Int) {
    bytes.replaceSubrange(place..<place + 4, with: SharedSchema.number(UInt32(target - place)))
  }

  private mutating func vector(count: Int) -> Int {
    align()
    let start = bytes.count
    bytes += SharedSchema.number(UInt32(count)) + [UInt8](repeating: 0, count: 4 * count)
    return start
  }

  /// Adds a table of fields of some sizes, 0 for those that are left out; each has 8 bytes of room.
  private mutating func table(
    _ sizes: [Int], values: [UInt8]
  ) -> (start: Int, fields: [Int]) {
    align()
    let listStart = bytes.count
    bytes += SharedSchema.number(UInt16(4 + 2 * sizes.count))
    bytes += SharedSchema.number(UInt16(8 + 8 * sizes.count))
    for (index, size) in sizes.enumerated() {
      bytes += SharedSchema.number(size == 0 ? 0 : UInt16(8 + 8 * index))
    }
    align()
    let start = bytes.count
    bytes += SharedSchema.number(Int32(start - listStart)) + [0, 0, 0, 0]
    for value in values { bytes += [value, 0, 0, 0, 0, 0, 0, 0] }
    return (start, sizes.indices.map { start + 8 + 8 * $0 })
  }
}
