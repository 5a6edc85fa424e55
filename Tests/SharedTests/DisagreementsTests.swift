// What later sections say otherwise than earlier ones, told when the file is read.

import Shared
import Testing

@Suite struct DisagreementsTests {
  /// The problems of a file, read by the stage that runs first.
  private func problems(_ pretokenize: String, _ cache: String, _ train: String) -> [String] {
    let text = "{ pretokenize: { \(pretokenize) }, cache: { \(cache) }, train: { \(train) } }"
    do {
      _ = try PipelineFile(parsing: Array(text.utf8), path: "p.json5", running: "pretokenize")
      return []
    } catch PipelineError.wrong(_, _, let remarks, _) {
      return remarks.map(\.line)
    } catch {
      return ["\(error)"]
    }
  }

  @Test(
    "A name on the Hub and a local folder or file of it are no contradiction",
    arguments: [
      ("dataset_path: 'TinyStories'", "roneneldan/TinyStories"),
      ("dataset_path: '/data/tiny_stories/'", "roneneldan/TinyStories"),
      ("dataset_path: '/data/TinyStories/train.jsonl'", "roneneldan/TinyStories"),
      ("dataset_path: 'TinyStories.jsonl'", "roneneldan/TinyStories"),
      ("dataset_path: 'json', data_files: ['/data/TinyStories/*.jsonl']", "roneneldan/TinyStories"),
      ("dataset_path: 'text.txt', save_path: 'out/tiny-tokens'", "me/tiny-tokens"),
      ("dataset_path: '/data', dataset_name: 'c4'", "NeelNanda/c4"),
      ("dataset_path: 'a/b'", "a/b"), ("dataset_path: 'a/b'", ""),
    ])
  func sameText(pretokenize: String, train: String) {
    #expect(problems(pretokenize, "", "dataset_path: '\(train)'") == [])
  }

  @Test("Another text is told by the first stage")
  func otherText() {
    #expect(
      problems(
        "dataset_path: 'TinyStories'", "",
        "dataset_path: 'apollo-research/roneneldan-TinyStories-tokenizer-gpt2'")
        == [
          "train.dataset_path: is \"apollo-research/roneneldan-TinyStories-tokenizer-gpt2\", but "
            + "pretokenize.dataset_path is \"TinyStories\"; leave it out where both are one text."
        ])
  }

  @Test("The place that is told is that of the later section's key")
  func place() {
    let text = "{ pretokenize: { dataset_path: 'a' },\n  train: { dataset_path: 'b/c' } }"
    var places: [TextPlace?] = []
    do {
      _ = try PipelineFile(parsing: Array(text.utf8), path: "p.json5", running: "pretokenize")
    } catch PipelineError.wrong(_, _, let remarks, _) {
      places = remarks.map(\.place)
    } catch { Issue.record("\(error)") }
    #expect(places == [TextPlace(line: 2, column: 12)])
  }

  @Test(
    "What training repeats of the cache must agree with it",
    arguments: [
      (
        "", "hook_layer: 1",
        "train.hook_layer: is 1, but hook_name \"blocks.0.hook_z\" lies in layer 0."
      ),
      (
        "", "hook_head_index: 1",
        "train.hook_head_index: is 1, but cache.hook_head_index is null, which takes all heads."
      ),
      (
        "hook_head_index: 0", "hook_head_index: 1",
        "train.hook_head_index: is 1, but cache.hook_head_index is 0."
      ),
      (
        "seqpos_slice: [0, 10]", "seqpos_slice: [5, 12]",
        "train.seqpos_slice: is [5,12], but cache.seqpos_slice is [0,10], which stores fewer positions."
      ),
      (
        "exclude_special_tokens: [1, 2]", "exclude_special_tokens: [1]",
        "train.exclude_special_tokens: is [1], but cache.exclude_special_tokens is [1,2], which leaves "
          + "out more."
      ),
      (
        "fold_ln: true", "model_from_pretrained_kwargs: { fold_ln: false }",
        "train.model_from_pretrained_kwargs.fold_ln: is false, but cache.fold_ln is true."
      ),
    ])
  func cache(cache: String, train: String, expected: String) {
    let base = "model_name: 'm', hook_name: 'blocks.0.hook_z', "
    #expect(problems("dataset_path: 'x', context_size: 16", base + cache, train) == [expected])
  }

  @Test("What agrees passes")
  func agreeing() {
    let cache =
      "model_name: 'm', hook_name: 'blocks.3.hook_z', hook_head_index: 1, seqpos_slice: [0, 10], "
      + "exclude_special_tokens: [2], fold_ln: true"
    let train =
      "hook_layer: 3, hook_head_index: 1, seqpos_slice: [2, 8], exclude_special_tokens: [2, 3], "
      + "model_from_pretrained_kwargs: { fold_ln: true }"
    #expect(problems("dataset_path: 'x', context_size: 16", cache, train) == [])
  }
}
