// What the folder of an SAE says of its place in a model. Comes in: cfg.json. Leaves: options of a pipeline
// that its file need not state.

package import Shared

/// Where an SAE belongs, as far as its folder says.
package struct SAEPlace: Sendable, Equatable {
  package var hookName: String?
  package var headIndex: Int?
  package var hookNameOut: String?
  /// Tokens that its training left out.
  package var excluded: TokenExclusion?

  package init(_ configuration: JSON) {
    let metadata = configuration["metadata"] ?? configuration
    hookName = (metadata["hook_name"] ?? metadata["hook_point"])?.string
    headIndex = metadata["hook_head_index"]?.integer
    hookNameOut = metadata["hook_name_out"]?.string
    excluded = metadata["exclude_special_tokens"].flatMap { TokenExclusion(setting: $0) }
  }

  /// That of a folder; knows nothing where there is no cfg.json.
  package static func read(_ folder: String) throws(SystemError) -> SAEPlace {
    let bytes = try MappedFile.contents(ifThere: folder + "/cfg.json")
    return SAEPlace(bytes.flatMap { try? JSON(parsing: $0) } ?? .null)
  }

  /// A pipeline for an SAE of a kind at this place; what its section `train` states comes first.
  func settled(_ pipeline: Pipeline, _ kind: Architecture, folder: String) throws -> Pipeline {
    var result = pipeline
    guard let hook = pipeline.train.hookName ?? hookName ?? pipeline.cache.allHookNames.first else {
      throw MeasuringError.noHook(folder: folder)
    }
    result.train.hookName = hook
    result.train.architecture = kind
    if result.train.hookNameOut == nil { result.train.hookNameOut = hookNameOut }
    guard !kind.isTranscoder || result.train.hookNameOut != nil else {
      throw MeasuringError.noTarget(folder: folder)
    }
    if result.cache.hookHeadIndex == nil { result.cache.hookHeadIndex = headIndex }
    if let excluded, !pipeline.train.stated.contains("exclude_special_tokens") {
      result.train.excludeSpecialTokens = excluded
    }
    return result
  }
}
