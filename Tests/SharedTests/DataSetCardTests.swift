import Shared
import Support
import Testing

private func card(_ split: String = "train", rows: Int = 100) -> DataSetCard {
  DataSetCard(
    features: [["name: input_ids", "list: int32"]], split: split, rowCount: rows,
    byteCount: rows * 68, fileByteCount: 2500, files: "data/\(split)-*", text: "# me/tokens\n")
}

@Suite("Cards of uploaded data sets")
struct DataSetCardTests {
  @Test("The front is what datasets writes")
  func front() throws {
    let text = try #require(card().written(over: nil))
    let path = ProjectFiles.root + "/Tests/Fixtures/hub/card.yaml"
    let golden = String(decoding: try contents(of: path), as: UTF8.self)
    #expect(text.hasPrefix("---\n\(golden)---\n<!-- Written by saeline"))
    #expect(text.hasSuffix("-->\n\n# me/tokens\n"))
    #expect(card().written(over: text) == text)
  }

  @Test("Another split keeps its files and its sizes")
  func twoSplits() throws {
    let first = try #require(card().written(over: nil))
    let both = try #require(card("validation", rows: 10).written(over: first))
    #expect(
      both.contains(
        """
          splits:
          - name: validation
            num_bytes: 680
            num_examples: 10
          - name: train
            num_bytes: 6800
            num_examples: 100
          download_size: 2500
          dataset_size: 7480
        configs:
        - config_name: default
          data_files:
          - split: validation
            path: data/validation-*
          - split: train
            path: data/train-*

        """))
  }

  @Test("Somebody's own text stays but for the keys of the data set")
  func foreign() throws {
    let old =
      "---\r\nlicense: mit\r\nconfigs:\r\n- config_name: default\r\n  data_files:\r\n  - split: train\r\n    path: old/*\r\ntags:\r\n- text\r\n---\r\n# Mine\r\n"
    let text = try #require(card().written(over: old))
    #expect(text.contains("    path: data/train-*\nlicense: mit\ntags:\n- text\n---\n# Mine\n"))
    #expect(!text.contains("old/*") && !text.contains("saeline"))
    let bare = try #require(card().written(over: "# Mine\n"))
    #expect(bare.hasPrefix("---\ndataset_info:\n") && bare.hasSuffix("---\n# Mine\n"))
  }

  @Test("A card with configurations of its own is left alone")
  func ownConfigurations() {
    let old =
      "---\nconfigs:\n- config_name: a\n  data_files: x\n- config_name: b\n  data_files: y\n---\n"
    #expect(card().written(over: old) == nil)
    #expect(card().written(over: "---\nconfigs: [\n---\n") == nil)
  }
}
