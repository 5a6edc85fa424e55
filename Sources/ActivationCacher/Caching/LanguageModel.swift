// What the settings say about the model, checked against the model itself.

import Shared

enum LanguageModel {
  /// The hook points of the settings; `hook_layer` and `d_in` speak about `hook_name`.
  static func hookPoints(
    _ settings: CacheSettings, in model: ModelDescription, contextSize: Int
  ) throws(HookPointError) -> [HookPoint] {
    var points: [HookPoint] = []
    for name in settings.allHookNames {
      let point = try settings.hookPoint(name, in: model)
      let isMain = name == settings.hookName
      try point.check(
        layer: isMain ? settings.hookLayer : nil, width: isMain ? settings.dIn : nil, in: model,
        contextSize: contextSize)
      if point.modulePath != nil, settings.weightProcessing != WeightProcessing() {
        throw .notProcessed(name: name)
      }
      points.append(point)
    }
    return points
  }

  /// Refuses a width that the section `train` states and that its hook point does not have, which would
  /// else show only once everything is cached.
  static func checkTraining(
    _ train: TrainSettings, _ points: [HookPoint], in model: ModelDescription, contextSize: Int
  ) throws(HookPointError) {
    let point = train.hookName == nil ? points.first : points.first { $0.name == train.hookName }
    guard let point, let stated = train.dIn else { return }
    let width = point.width(in: model, contextSize: contextSize)
    guard stated == width else {
      throw .wrongWidth(name: point.name, stated: stated, width: width)
    }
  }

  static func checkContext(
    _ settings: CacheSettings, _ tokens: TokenSequences, _ model: ModelDescription
  ) throws(CacheError) {
    if let stated = settings.statedContextSize, stated != tokens.contextSize {
      throw .contextDiffers(
        stated: stated, contextSize: tokens.contextSize, folder: tokens.folder.path)
    }
    if tokens.contextSize > model.contextLimit {
      throw .contextTooLong(
        contextSize: tokens.contextSize, limit: model.contextLimit, model: settings.modelName)
    }
    if settings.seqposSlice.positions(contextSize: tokens.contextSize).isEmpty {
      throw .noPositions(
        slice: settings.seqposSlice.json.canonical, contextSize: tokens.contextSize)
    }
  }
}
