import Shared
import Testing

private func parse(_ text: String, as dialect: JSON.Dialect = .json) throws -> JSON {
  try JSON(parsing: Array(text.utf8), as: dialect)
}

@Suite struct JSONTests {
  @Test("The canonical spelling sorts keys by bytes, drops spaces and shortens numbers")
  func canonical() throws {
    let text =
      " { \"b\" : [ 1.0, 2.50, 1e3, -0.1, 1e-7 ], \"a\": null, \"Z\": true, \"é\": \"x\" } "
    #expect(
      try parse(text).canonical
        == "{\"Z\":true,\"a\":null,\"b\":[1,2.5,1000,-0.1,1e-07],\"é\":\"x\"}")
  }

  @Test(
    "The canonical spelling reads back to itself",
    arguments: [
      "{}", "[]", "\"\"", "null", "[1e+17,-1e+17,9007199254740991]", "[true,false]",
      "9223372036854775807", "-9223372036854775808", "-9.223372036854776e+18",
      "[0.1,1e+300,5e-324,1.7976931348623157e+308]", "{\"a\":{\"b\":[{\"c\":\"\\\"\\\\\\n\"}]}}",
      "\"\\u0000\\u001f\\u007f漢😀\"",
    ])
  func fixedPoint(_ text: String) throws {
    #expect(try parse(text).canonical == text)
  }

  @Test("Pretty text indents by two and keeps lists of plain values on one line")
  func pretty() {
    let value = JSON.object([
      "list": .array([.integer(1), .integer(2)]),
      "rows": .array([.object(["a": .bool(true)])]), "none": .object([:]),
    ])
    #expect(
      value.pretty == """
        {
          "list": [1,2],
          "none": {},
          "rows": [
            {
              "a": true
            }
          ]
        }

        """)
  }

  @Test("JSON5 allows comments, bare keys and trailing commas; JSON does not")
  func dialects() throws {
    let text = "{ // why\n a: 0x10, 'b': [1,], }"
    #expect(try parse(text, as: .json5).canonical == "{\"a\":16,\"b\":[1]}")
    #expect(throws: (any Error).self) { try parse(text) }
  }

  @Test("A number that ends a JSON5 text is not read on into the memory behind it")
  func numbersEnd() throws {
    // Where digits lay behind the bytes, some of these became 0 or infinite.
    var litter: [[UInt8]] = []
    for length in 0..<2000 {
      litter.append([UInt8](repeating: UInt8(ascii: "9"), count: 16 + length % 64))
      litter.append(Array("0e-99999999999999999999999999999".utf8))
      if length % 3 == 0 { litter.removeFirst() }
      #expect(try parse("0.008333333333333333", as: .json5) == .number(0.008333333333333333))
    }
  }

  @Test("Values are seen as what they are")
  func accessors() throws {
    let value = try parse("{\"i\":3,\"d\":2.5,\"w\":4.0,\"s\":\"x\",\"b\":true,\"l\":[1]}")
    #expect(value["i"]?.integer == 3 && value["i"]?.double == 3)
    #expect(value["d"]?.integer == nil && value["d"]?.double == 2.5)
    #expect(value["w"]?.integer == 4)
    #expect(value["s"]?.string == "x" && value["b"]?.bool == true)
    #expect(value["l"]?.array == [.integer(1)])
    #expect(value["none"] == nil && value["s"]?["x"] == nil && value["s"]?.integer == nil)
  }

  @Test("A whole number beyond those of 64 bits is one with a point", arguments: ["", "-"])
  func greatNumbers(sign: String) throws {
    let value = try parse(sign + "9223372036854775809")
    #expect(value == .number(sign == "-" ? -0x1p63 : 0x1p63))
    #expect(value.canonical == sign + "9.223372036854776e+18")
    #expect(try parse(sign + "9223372036854775809", as: .json5) == value)
  }

  @Test("What JSON cannot say becomes null")
  func notFinite() {
    #expect(JSON.array([.number(.nan), .number(.infinity)]).canonical == "[null,null]")
  }

  @Test(
    "Text that is not one whole value is refused",
    arguments: [
      "", " ", "{", "[1", "[1,]", "{\"a\":}", "{a:1}", "tru", "1 2", "01", "+1", ".5", "1.", "NaN",
      "\"", "\"\\ud8\"", "[}", "{\"a\" 1}", "\"\t\"", "//\n1",
    ])
  func refused(_ text: String) {
    #expect(throws: (any Error).self) { try parse(text) }
  }

  @Test("Bytes that are not UTF-8 and depth without end are refused")
  func hostile() {
    #expect(throws: JSONProblem(offset: 0, what: "a string that is not UTF-8")) {
      try JSON(parsing: [0x22, 0xC3, 0x22])
    }
    #expect(throws: JSONProblem(offset: 512, what: "nested too deeply")) {
      try JSON(parsing: [UInt8](repeating: 0x5B, count: 100_000))
    }
  }

  @Test(
    "Both dialects read the same numbers",
    arguments: [
      "0", "-0", "1.0", "1e3", "-2.5e-3", "123456789012345678901234567890", "9007199254740993",
      "0.1", "-9223372036854775808", "9223372036854775807",
    ])
  func numbers(_ text: String) throws {
    let strict = try parse("[\(text)]")
    #expect(strict == (try parse("[\(text)]", as: .json5)), "\(text)")
  }

  @Test("The last of two members with one key counts")
  func twice() throws {
    #expect(try parse("{\"a\":1,\"a\":2}") == .object(["a": .integer(2)]))
  }
}
