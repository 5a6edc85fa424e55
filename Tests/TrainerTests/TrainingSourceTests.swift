import Shared
import Testing
import Trainer

@Suite("What a run trains on")
struct TrainingSourceTests {
  private func sentence(_ cache: SyntheticCache) -> [String?] {
    do {
      _ = try Run(cache.pipeline, mode: .quiet)
      return ["no error"]
    } catch let failure as any Failure {
      return [failure.sentence, failure.hint]
    } catch { return ["\(error)"] }
  }

  @Test("The manifest gives model, hook point, width and statistics")
  func facts() throws {
    let cache = try SyntheticCache()
    let source = try cache.source
    #expect(source.facts.dIn == 8)
    #expect(source.facts.hookName == SyntheticCache.hook)
    #expect(source.facts.rows == 3 * cache.rowsPerShard)
    #expect(source.facts.mean.count == 8)
    #expect(source.shards.map(\.rows) == [640, 640, 640])
  }

  @Test("A cache that is not there says what to run")
  func notCached() throws {
    let cache = try SyntheticCache()
    cache.pipeline.cache.seed = 7
    #expect(
      sentence(cache) == [
        "The store \(cache.pipeline.store) holds no activations of blocks.0.hook_mlp_out that "
          + "were cached with these settings.",
        "Run saeline-cache with the same pipeline file first (make cache CONFIG=…).",
      ])
  }

  @Test("A pipeline file without a hook point is refused")
  func noHook() throws {
    let cache = try SyntheticCache()
    cache.pipeline.cache.hookName = ""
    #expect(
      sentence(cache) == [
        "Neither train.hook_name nor cache.hook_name says what to train on.",
        "Set cache.hook_name, such as blocks.0.hook_mlp_out.",
      ])
  }

  @Test("Values that contradict the manifest are shown beside it")
  func contradictions() throws {
    let cache = try SyntheticCache()
    let folder = try cache.source.folder
    cache.pipeline.train.dIn = 512
    #expect(
      sentence(cache) == [
        "train.d_in is 512, but the cached activations in \(folder) are 8 wide.",
        "Remove train.d_in or make it agree.",
      ])
    cache.pipeline.train.dIn = 8
    cache.pipeline.train.contextSize = 128
    #expect(
      sentence(cache) == [
        "train.context_size is 128, but the cached activations in \(folder) come from contexts of "
          + "16 tokens.",
        "Remove train.context_size or make it agree.",
      ])
    cache.pipeline.train.contextSize = nil
    cache.pipeline.train.modelName = "gpt2"
    #expect(
      sentence(cache) == [
        "train.model_name is gpt2, but the cached activations in \(folder) were taken from tiny.",
        "Remove train.model_name or make it agree.",
      ])
  }

  @Test("A manifest that lacks a fact is refused")
  func incompleteManifest() throws {
    let cache = try SyntheticCache()
    let path = try cache.source.folder + "/manifest.json"
    let text = String(decoding: try MappedFile.contents(path), as: UTF8.self)
    try AtomicFile.replace(
      path, with: text.split(separator: "\"mean_norm\"").joined(separator: "\"m\""))
    #expect(
      sentence(cache) == [
        "\(path) does not state statistics.mean_norm.",
        "The folder was not written by this version; cache it again.",
      ])
  }

  @Test("Rows that are not finite are refused", arguments: [TensorType.float32, .int8])
  func notFinite(_ type: TensorType) throws {
    let cache = try SyntheticCache(type: type, rows: .damaged)
    let error = #expect(throws: TrainingSourceError.self) { _ = try cache.source }
    let ending = "/manifest.json does not state statistics.mean_norm."
    #expect(error?.sentence.hasSuffix(ending) == true)
  }

  @Test("Holding out everything leaves nothing to train on")
  func nothingLeft() throws {
    let cache = try SyntheticCache(shards: 1, sequencesPerShard: 1)
    cache.pipeline.train.evalFraction = 0.999
    let folder = try cache.source.folder
    #expect(
      sentence(cache) == [
        "What is held out or left out leaves no row of \(folder) to train on.",
        "Choose a smaller train.eval_fraction, or leave out less with exclude_special_tokens, "
          + "seqpos_slice or max_norm_multiple.",
      ])
  }
}
