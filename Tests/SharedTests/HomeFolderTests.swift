import Foundation
import Shared
import Testing

@Suite("Home folders in paths")
struct HomeFolderTests {
  private var home: String { ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory() }

  @Test("A tilde at the beginning means a home folder, anywhere else it is a letter")
  func expanded() {
    #expect(HomeFolder.expanded("~/a/b") == home + "/a/b")
    #expect(HomeFolder.expanded("~") == home)
    #expect(HomeFolder.expanded("~root/x") == "/root/x")
    for path in ["a/~/b", "./~", "~nobody-of-this-name/x", "/a~b", "a", ""] {
      #expect(HomeFolder.expanded(path) == path)
    }
  }

  @Test("Every setting that names a path takes one with a tilde")
  func settings() throws {
    let text = """
      { store: "~/store", pretokenize: { tokenizer_name: "~/t", dataset_path: "~/d", save_path: "~/s",
        data_files: ["~/a", "b"], data_dir: "~/e" }, cache: { model_name: "~/m" },
        train: { from_pretrained_path: "~/p" }, evaluate: { categories: "~/c" } }
      """
    let pipeline = try PipelineFile(
      parsing: Array(text.utf8), path: "x.json5", overrides: ["pretokenize.split=~train"]
    ).pipeline
    #expect(pipeline.store == home + "/store")
    #expect(pipeline.pretokenize.tokenizerName == home + "/t")
    #expect(pipeline.pretokenize.datasetPath == home + "/d")
    #expect(pipeline.pretokenize.savePath == home + "/s")
    #expect(pipeline.pretokenize.dataDir == home + "/e")
    #expect(pipeline.cache.modelName == home + "/m")
    #expect(pipeline.train.fromPretrainedPath == home + "/p")
    #expect(pipeline.evaluate.categories == home + "/c")
    #expect(pipeline.pretokenize.split == "~train")
    let files = PretokenizeSettings.settings.first { $0.row.name == "data_files" }
    #expect(files?.read(pipeline.pretokenize) == .array([.string(home + "/a"), "b"]))
  }
}
