import Shared
import Testing

@Suite("The summary of a stage")
struct StageSummaryTests {
  private func manifest(
    _ stage: Stage, _ name: String, rows: [Int], _ details: [String: JSON]
  ) -> Manifest {
    Manifest(
      key: StageKey(stage: stage, label: name, settings: .object([:])), name: name, tool: "test",
      shards: rows.map { .init(file: "shard", rows: $0, bytes: $0 * 1000, sha256: "") },
      details: .object(details))
  }

  @Test("Tokens are told with their sequences, documents, bytes, time and folder")
  func tokens() {
    let manifest = manifest(
      .tokens, "demo", rows: [10_000, 5_625],
      ["context_size": .integer(128), "documents": .integer(5200)])
    let summary = StageSummary(
      manifest, Timing(tokens: 2_000_000, seconds: 1.6), folder: "store/tokens/demo-01")
    #expect(
      summary.table.text() == """
        Tokens of demo
          tokens   2.0 M                 15.6 k sequences of 128 from 5.2 k documents
          on disk  15.6 MB               2 shards
          time     1.6 s                 1.2 M tokens/s
          folder   store/tokens/demo-01
        """)
  }

  @Test("Activations are told with their width and type; a time that is not known is left out")
  func activations() {
    let manifest = manifest(
      .activations, "pythia.blocks.0", rows: [512],
      ["d_in": .integer(64), "dtype": .string("float16")])
    #expect(
      StageSummary(manifest, nil, folder: "a").table.text() == """
        Activations of pythia.blocks.0
          rows     512     of width 64 in float16
          on disk  512 kB  1 shard
          folder   a
        """)
  }
}
