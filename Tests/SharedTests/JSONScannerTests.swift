import Foundation
import Shared
import Testing

/// The range of a value at the start of a text, or what is wrong with it.
private func skip(_ text: String) -> Result<Range<Int>, JSONProblem> {
  let bytes = Array(text.utf8)
  do throws(JSONProblem) {
    var scanner = JSONScanner(bytes.span)
    return .success(try scanner.skipValue())
  } catch { return .failure(error) }
}

private func string(_ text: String) throws -> (text: String, replaced: Int) {
  let bytes = Array(text.utf8)
  var scanner = JSONScanner(bytes.span)
  var result: [UInt8] = []
  try scanner.string(into: &result)
  return (String(decoding: result, as: UTF8.self), scanner.replacedCount)
}

@Suite struct JSONScannerTests {
  @Test(arguments: [
    "null", "true", "-0.5e+3", "0", "\"\"", "[]", "{}", "[1,[2,{\"a\":[]}]]",
    "{ \"a\" : 1 , \"b\" : \"\\u00e9\\n\" }",
  ])
  func validValuesAreSteppedOver(text: String) {
    #expect(skip(text) == .success(0..<text.utf8.count))
  }

  @Test(arguments: [
    ("", 0, "the text ends in a value"), ("nul", 0, "expected a value"),
    ("01", 0, "expected a number"), ("1.", 0, "expected a number"), ("-", 0, "expected a number"),
    ("[1 2]", 3, "expected “,” or “]”"), ("{\"a\" 1}", 5, "expected “:”"),
    ("{a:1}", 1, "expected a key in quotes"), ("[1,]", 3, "expected a value"),
    ("\"ab", 0, "the string that starts here has no end"),
    ("\"a\nb\"", 2, "a control character in a string"),
    ("\"\\x\"", 1, "an escape that JSON does not have"),
    ("\"\\u12g4\"", 5, "expected four hexadecimal digits"),
  ])
  func damageIsNamedWithItsPlace(text: String, offset: Int, what: String) {
    #expect(skip(text) == .failure(JSONProblem(offset: offset, what: what)))
  }

  @Test func deepNestingIsRefused() {
    let text = String(repeating: "[", count: 100_000)
    #expect(skip(text) == .failure(JSONProblem(offset: 512, what: "nested too deeply")))
  }

  @Test func stringsAreUnescaped() throws {
    #expect(try string(#""plain""#) == ("plain", 0))
    #expect(try string(#""\"\\\/\b\f\n\r\t\u0041\u00e9\u6771""#) == ("\"\\/\u{8}\u{C}\n\r\tAé東", 0))
    #expect(try string(#""\ud83c\udf89!""#) == ("🎉!", 0))
    #expect(
      try string(#""\ud83c x \udf89\ud83c\ud83c\udf89""#) == ("\u{FFFD} x \u{FFFD}\u{FFFD}🎉", 3))
    let long = String(repeating: "0123456789é", count: 40)
    #expect(try string("\"\(long)\\n\(long)\"").text == long + "\n" + long)
  }

  @Test func damagedTextIsAcceptedOnlyWhereFoundationAcceptsIt() {
    let start = Array(
      #"{"a": [1, -2.5e3, "x\u00e9\n"], "b": {"c": null, "d": [true, false]}}"#.utf8)
    let random = Random(seed: 3, stream: "json")
    let pool = Array("{}[]:,\"\\0123456789eE+-.tfnu ax".utf8)
    for round in 0..<3000 {
      var bytes = start
      for change in 0..<1 + round % 3 {
        let place = random.integer(10 * round + 2 * change, below: bytes.count)
        bytes[place] = pool[random.integer(10 * round + 2 * change + 1, below: pool.count)]
      }
      var isValid = false
      do throws(JSONProblem) {
        var scanner = JSONScanner(bytes.span)
        _ = try scanner.skipValue()
        isValid = scanner.isAtEnd
      } catch {}
      let reference =
        (try? JSONSerialization.jsonObject(
          with: Data(bytes), options: .fragmentsAllowed)) != nil
      // Foundation is laxer in places; what it refuses must be refused.
      if isValid { #expect(reference, "\(String(decoding: bytes, as: UTF8.self))") }
    }
  }
}
