import Pretokenizer
import Shared
import Testing

@Suite struct BillTests {
  private let bill = Bill(
    files: [DataFile(path: "a", kind: .text, byteCount: 4_000_000)], contextSize: 128,
    vocabularySize: 50257)

  @Test func theBillIsATable() {
    #expect(
      bill.table.text() == """
        pretokenize: the bill
          text                4.0 MB in 1 file
          tokens              about 1.0 M
          sequences           about 7.8 k of 128
          shards              at most 2.0 MB before compression
          disk while it runs  at most 4.0 MB
        """)
    #expect(
      bill.json.canonical
        == #"{"disk_bytes":4000000,"files":1,"sequences":7812,"shard_bytes":2000000,"#
        + #""text_bytes":4000000,"tokens":1000000}"#)
  }

  @Test func textThatIsNotHereIsEstimatedByWhatTheCacherNeeds() {
    let absent = Bill(tokenCount: 2_000_000, contextSize: 100)
    #expect(absent.json["text_bytes"] == .null)
    #expect(absent.json["sequences"] == .integer(20_000))
  }

  @Test func aDiskThatIsTooSmallIsRefused() throws {
    try bill.check(store: "S", freeByteCount: 4_000_000)
    let expected = DiskTooSmall(store: "S", needed: 4_000_000, free: 3_999_999)
    #expect(throws: expected) { try bill.check(store: "S", freeByteCount: 3_999_999) }
    #expect(
      expected.sentence == "The tokens need about 4.0 MB in S, where 4.0 MB are free.")
    #expect(try Bill.freeByteCount("./no/such/folder") > 0)
  }
}
