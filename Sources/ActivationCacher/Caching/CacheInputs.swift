// What the stage reads, found before anything else. Comes in: a pipeline file. Leaves: the folders of
// model and tokens, or everything of it that is missing.

import Shared

/// The inputs of the stage.
struct CacheInputs {
  /// The folder of the model.
  let model: String
  let tokens: StageFolder

  static func find(
    _ pipeline: Pipeline, through door: (any HubDoor)?
  ) throws -> CacheInputs {
    let inputs = Inputs(pipeline, through: door, text: door?.cached)
    var tokens: StageFolder?
    var problem: (any Error)?
    do {
      tokens = try ActivationKey.tokens(pipeline, inputs)
      if tokens == nil { problem = CacheError.noTokens(store: pipeline.store) }
    } catch { problem = error }
    guard let model = inputs.model.value, let tokens else {
      throw MissingInputs.error([inputs.model.problem, problem])
    }
    return CacheInputs(model: model, tokens: tokens)
  }
}
