// What the stage would cost as far as its inputs are there. Comes in: a pipeline file. Leaves: a bill that
// names what is missing, which is no error before the stage really runs.

package import Shared

package enum PretokenizeEstimate {
  /// The bill of a stage that is there, of a text that is here, or of the tokens that the cacher asks for.
  package static func make(
    _ pipeline: Pipeline, through door: (any HubDoor)? = nil,
    environment: [String: String] = HubEnvironment.variables
  ) throws -> StageBill {
    var bill = try withoutUpload(pipeline, through: door)
    let settings = pipeline.pretokenize
    try TokenUpload.bill(
      settings, rowCount: bill.tokens / settings.contextSize, environment: environment
    )?.add(to: &bill)
    return bill
  }

  private static func withoutUpload(
    _ pipeline: Pipeline, through door: (any HubDoor)?
  ) throws -> StageBill {
    let settings = pipeline.pretokenize
    let inputs = Inputs(pipeline, through: door?.cached, text: door)
    if let manifest = try ActivationKey.tokens(pipeline, inputs)?.manifest() {
      let tokens = manifest.rows * settings.contextSize
      return PretokenizeBill(tokenCount: tokens, contextSize: settings.contextSize)
        .bill(isFinished: true)
    }
    let missing = PretokenizeInputs.missing(
      settings, text: inputs.text, tokenizer: inputs.tokenizer)
    guard missing.isEmpty else {
      let wanted = PretokenizeBill(
        tokenCount: pipeline.cache.trainingTokens, contextSize: settings.contextSize)
      var bill = wanted.bill()
      bill.missing = missing.map(\.sentence)
      return bill
    }
    let found = try PretokenizeInputs.find(
      settings, text: inputs.text, tokenizer: inputs.tokenizer)
    return try Pretokenizing(pipeline, through: door, inputs: found).measuredBill.bill()
  }
}
