import Shared
import Testing

private func value(_ text: String) throws -> String {
  try JSON5Document(parsing: Array(text.utf8)).value.canonical
}

/// "line:column what" of the problem of a text; empty where there is none.
private func problem(_ text: [UInt8], limits: JSON5Limits = .data) -> String {
  do {
    _ = try JSON5Document(parsing: text, limits: limits)
    return ""
  } catch {
    return "\(error.place.line):\(error.place.column) \(error.what)"
  }
}

private func problem(_ text: String) -> String { problem(Array(text.utf8)) }

@Suite("JSON5 and Python's literals")
struct JSON5Tests {
  @Test(
    "Numbers of JSON5 and of Python are read",
    arguments: [
      ("1", "1"), ("-1", "-1"), ("+1", "1"), ("1.50", "1.5"), (".5", "0.5"), ("5.", "5"),
      ("1e3", "1000"), ("1E-3", "0.001"), ("0x10", "16"), ("-0xFF", "-255"), ("0", "0"),
      ("100_000_000", "100000000"), ("1_0.5_0", "10.5"), ("1e1_0", "10000000000"),
      ("0xFF_FF", "65535"), ("Infinity", "null"), ("NaN", "null"),
      ("9007199254740993", "9007199254740993"),
    ])
  func numbers(_ text: String, _ expected: String) throws {
    #expect(try value(text) == expected)
    #expect(try value("[\(text),]") == "[\(expected)]")
  }

  @Test(
    "Words of JSON5 and of Python are read",
    arguments: [
      ("true", "true"), ("False", "false"), ("None", "null"), ("null", "null"), ("True", "true"),
    ])
  func words(_ text: String, _ expected: String) throws {
    #expect(try value("{ a: \(text) }") == "{\"a\":\(expected)}")
  }

  @Test("Texts may have either quotes, all escapes and lines that go on")
  func texts() throws {
    #expect(try value(#"'it"s'"#) == #""it\"s""#)
    #expect(
      try value(#""\x41\u0042\u{D83D}\v""#.replacing("\\u{D83D}", with: "\\uD83D\\uDE00"))
        == "\"AB😀\\u000b\"")
    #expect(try value("'a\\\nb'") == #""ab""#)
    #expect(try value(#"'\q\0'"#) == "\"q\\u0000\"")
  }

  @Test("Members are found with their places, and twice given keys are told")
  func places() throws {
    let text = "{\n  a: 1, b: {\n    'é': { c: [1,\n 2] },\n  }, a: 2,\n}"
    let document = try JSON5Document(parsing: Array(text.utf8))
    #expect(document.place(ofKey: "a") == TextPlace(line: 5, column: 6))
    #expect(document.place(ofKey: "b.é.c") == TextPlace(line: 3, column: 12))
    #expect(document.place(ofValue: "b.é.c") == TextPlace(line: 3, column: 15))
    #expect(document.place(ofKey: "c") == nil)
    #expect(document.beginning == TextPlace(line: 1, column: 1))
    #expect(document.duplicates.map(\.key) == ["a"])
    #expect(document.duplicates.map(\.place) == [TextPlace(line: 5, column: 6)])
    #expect(document.duplicates.map(\.first) == [TextPlace(line: 2, column: 3)])
  }

  private static let python: [(text: String, expected: String)] = [
    ("16*1024", "16*1024 is no value of JSON5; write 16384"),
    ("16 * 1024", "16 * 1024 is no value of JSON5; write 16384"),
    ("int(1e6)", "int(1e6) is no value of JSON5; write 1000000"),
    ("2**14", "2**14 is no value of JSON5; write 16384"),
    ("(3 + 1) * 2", "(3 + 1) * 2 is no value of JSON5; write 8"),
    ("1_000//3", "1_000//3 is no value of JSON5; write 333"),
    ("float32", #"float32 is no value of JSON5; write "float32""#),
    ("torch.float32", #"torch.float32 is no value of JSON5; write "float32""#),
    ("nope", #"nope is no value of JSON5; write "nope""#),
    ("(None,)", "(None,) is no value of JSON5; write [null]"),
    ("(1, -5)", "(1, -5) is no value of JSON5; write [1,-5]"),
    ("dict(k=64)", #"dict(k=64) is no value of JSON5; write {"k":64}"#),
    (#"r"a/b""#, #"r"a/b" is no value of JSON5; write "a/b""#),
    ("undefined", "undefined is no value of JSON5; write null"),
    (
      "f(x)",
      "f(x) is no value of JSON5; write a number, a text in quotes, true, false, null, "
        + "a list [ … ] or a group { … }"
    ),
    (
      "007",
      "007 is no value of JSON5; write a number, a text in quotes, true, false, null, "
        + "a list [ … ] or a group { … }"
    ),
    (
      "1__0",
      "1__0 is no value of JSON5; write a number, a text in quotes, true, false, null, "
        + "a list [ … ] or a group { … }"
    ),
  ]

  @Test("An expression of Python is quoted beside what to write", arguments: python)
  func expressions(_ text: String, _ expected: String) {
    #expect(problem("{\n  a: \(text), b: 1 }") == "2:6 \(expected)")
    #expect(problem("{\n  a: \(text) // why\n}") == "2:6 \(expected)")
  }

  private static let grammar: [(text: String, expected: String)] = [
    ("", "1:1 a value was expected, but the file ends"),
    ("{ a: ,}", "1:6 a value was expected, but ',' was found"),
    ("{ a = 1 }", "1:5 ':' after \"a\" was expected, but '=' was found"),
    ("{\n a: 1\n b: 2 }", "2:6 ',' or '}' was expected, but 'b' was found"),
    ("{ a: 'x' if y else z }", "1:9 ',' or '}' was expected, but 'i' was found"),
    ("{ a: {\n", "1:6 a '{' is not closed"), ("[1,", "1:1 a '[' is not closed"),
    ("{ a: 'x\n'}", "1:6 a text is not closed"), ("/* x", "1:1 a comment is not closed"),
    ("{} x", "1:4 the end of the file was expected, but 'x' was found"),
    ("{ # why\n}", "1:3 '#' begins a comment in Python; write // instead"),
    ("{ 'a\\u00': 1 }", "1:7 4 hexadecimal digits were expected"),
    ("{ a-b: 1 }", "1:4 ':' after \"a\" was expected, but '-' was found"),
    ("{ lr: 1e-4 é }", "1:11 ',' or '}' was expected, but an unknown character was found"),
  ]

  @Test("What is no JSON5 is told with line and column", arguments: grammar)
  func syntax(_ text: String, _ expected: String) {
    #expect(problem(text) == expected)
  }

  @Test("Bytes that are not UTF-8, long keys, many keys and depth are refused")
  func hostile() {
    #expect(problem([0x7B, 0x61, 0xFF, 0x3A, 0x31, 0x7D]) == "1:2 a key is not UTF-8")
    #expect(problem([0x27, 0xFF, 0x27]) == "1:1 a text is not UTF-8")
    let limits = JSON5Limits(keyByteCount: 3, memberCount: 2)
    #expect(
      problem(Array("{abcd: 1}".utf8), limits: limits)
        == "1:2 a key has 4 bytes; keys have at most 3")
    #expect(
      problem(Array("{a: 1, b: {c: 1}}".utf8), limits: limits) == "1:12 there are more than 2 keys")
    #expect(problem(String(repeating: "[", count: 70)) == "1:66 nesting is too deep")
  }
}
