import Shared
import Support
import Testing

private func read(_ section: String, _ options: String) throws -> PipelineFile {
  let text = "{ \(section): { model_from_pretrained_kwargs: \(options) } }"
  return try PipelineFile(parsing: Array(text.utf8), path: "x.json5")
}

private func complaint(_ options: String) -> String {
  do {
    _ = try read("cache", options)
    return ""
  } catch {
    return withoutPlaces((error as? any Failure)?.sentence ?? "\(error)")
  }
}

@Suite("model_from_pretrained_kwargs")
struct ModelLoadingTests {
  private static let refused: [(options: String, expected: String)] = [
    ("{ revision: 3 }", "revision: must be a branch, tag or commit, but is 3."),
    ("{ revision: '' }", "revision: must be a branch, tag or commit, but is \"\"."),
    (
      "{ checkpoint_index: 3 }",
      "checkpoint_index: 3 is not supported; give its revision, such as step1000 of Pythia."
    ),
    (
      "{ load_in_8bit: true }",
      "load_in_8bit: true is not supported; weights in F32, F16 or BF16 are read."
    ),
    (
      "{ refactor_factored_attn_matrices: true }",
      "refactor_factored_attn_matrices: true is not supported; this processing is not built."
    ),
    (
      "{ fold_lm: true }",
      "fold_lm: is no option of from_pretrained that is known here; did you mean fold_ln?"
    ),
    ("{ fold_ln: 'yes' }", "fold_ln: must be true or false, but is \"yes\"."),
    (
      "{ tensor_parallel_size: 2 }",
      "tensor_parallel_size: is no option of from_pretrained that is known here."
    ),
  ]

  @Test("What is not done is refused by name", arguments: refused)
  func refusals(_ options: String, _ expected: String) {
    #expect(complaint(options) == "x.json5: cache.model_from_pretrained_kwargs.\(expected)")
  }

  @Test("What makes no difference is noted, what is so anyway is not")
  func notes() throws {
    let file = try read(
      "cache", "{ n_devices: 2, dtype: 'bfloat16', default_prepend_bos: false, revision: 'main' }")
    #expect(
      file.notes.map(\.line) == [
        "cache.model_from_pretrained_kwargs: no effect of dtype (the forward pass computes in "
          + "float32) and n_devices (the programs run on the processor)."
      ])
    #expect(file.notes.allSatisfy { $0.weight == .changesNothing })
    let usual = try read(
      "cache",
      "{ center_writing_weights: false, refactor_factored_attn_matrices: false, hf_model: null }")
    #expect(usual.notes.isEmpty && usual.pipeline.cache == CacheSettings())
  }

  @Test("In the train section what names other weights is told, since the cache decides")
  func repeated() throws {
    let file = try read("train", "{ revision: 'step1000', fold_ln: true }")
    #expect(
      file.notes.map(\.line) == [
        "train.model_from_pretrained_kwargs: no effect of revision; the model ran in the cache "
          + "section."
      ])
    #expect(file.notes.map(\.weight) == [.counts])
    #expect(file.pipeline.train.modelFromPretrainedKwargs.processing.foldLn == true)
  }
}
