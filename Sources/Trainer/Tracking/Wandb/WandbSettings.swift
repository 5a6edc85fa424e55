// How a run is logged to W&B: what the pipeline file says, and what the variables of the official client
// add. Circumstances come from the environment; what both say, the file decides.

import Foundation
package import Shared

/// Where and under which names a run is logged.
package struct WandbSettings: Sendable {
  package enum Mode: String, Sendable { case online, offline, disabled }

  package let mode: Mode
  /// Where the server is, without a slash at the end.
  package let address: String
  package let key: WandbKey?
  /// Where the key came from.
  let keyPlace: String
  package let project: String
  /// Nil: whose the key is.
  package let entity: String?
  package let identifier: String?
  package let name: String
  package let tags: [String]
  package let group: String?
  package let notes: String?
  /// The folder in which `wandb/offline-run-…` is made.
  package let folder: String
  /// Whether a run of the server with the given id is continued although this folder does not know it.
  package let continuesForeign: Bool
  package let sendsWeights: Bool
  package let sendsOptimizer: Bool
  package var http: HTTPSettings

  static let publicAddress = "https://api.wandb.ai"

  /// Reads the settings of a run that belongs to `group`, if to any.
  package init(
    _ pipeline: Pipeline, group: String? = nil, _ environment: [String: String]
  ) throws(WandbError) {
    func given(_ name: String) -> String? {
      environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
    let logger = pipeline.logger
    mode = try WandbSettings.mode(given("WANDB_MODE"))
    var address = given("WANDB_BASE_URL") ?? WandbSettings.publicAddress
    while address.hasSuffix("/") { address.removeLast() }
    guard let origin = WebAddress.origin(address) else { throw .badAddress(address) }
    self.address = address
    let host = WandbSettings.host(origin)
    let found = mode == .online ? try WandbKey.find(host: host, environment) : nil
    if mode == .online, found == nil {
      throw .noKey(host: host, netrc: WandbKey.netrcPath(environment))
    }
    key = found?.key
    keyPlace = found?.place ?? ""
    let isDefault = logger.wandbProject == LoggerSettings().wandbProject
    project = isDefault ? given("WANDB_PROJECT") ?? logger.wandbProject : logger.wandbProject
    entity = logger.wandbEntity ?? given("WANDB_ENTITY")
    identifier = logger.wandbId ?? given("WANDB_RUN_ID")
    name = logger.runName ?? given("WANDB_NAME") ?? WandbSettings.defaultName(pipeline.train)
    tags = (given("WANDB_TAGS") ?? "").split(separator: ",").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    self.group = given("WANDB_RUN_GROUP") ?? group
    notes = given("WANDB_NOTES")
    folder =
      given("WANDB_DIR").map { HomeFolder.absolute(HomeFolder.expanded($0)) }
      ?? FileManager.default.currentDirectoryPath
    let resume = given("WANDB_RESUME") ?? ""
    guard ["", "allow", "must", "never", "auto"].contains(resume) else { throw .badResume(resume) }
    continuesForeign = resume == "allow" || resume == "must"
    sendsWeights = logger.logWeightsToWandb
    sendsOptimizer = logger.logOptimizerStateToWandb
    http = HTTPSettings(environment)
    http.stallSeconds = 20
    try WandbSettings.check("logger.wandb_project", project)
    try WandbSettings.check("logger.wandb_id", identifier ?? "id")
  }

  private static func mode(_ text: String?) throws(WandbError) -> Mode {
    switch text {
    case nil, "online", "run": return .online
    case "offline", "dryrun": return .offline
    case "disabled": return .disabled
    case .some(let other): throw .badMode(other)
    }
  }

  /// The name that SAELens gives a run without one.
  package static func defaultName(_ train: TrainSettings) -> String {
    let tokens = String(format: "%.3e", Double(train.trainingTokens))
    return "\(train.architecture.rawValue)-\(train.dSae ?? 0)-LR-\(train.lr)-Tokens-\(tokens)"
  }

  private static func check(_ option: String, _ text: String) throws(WandbError) {
    let isPlain = !text.isEmpty && text.count <= 128 && !text.contains { "/\\#?%:".contains($0) }
    if !isPlain { throw .badName(option: option, text) }
  }

  /// The host of an origin, without scheme and port.
  private static func host(_ origin: String) -> String {
    let rest = origin.drop { $0 != "/" }.dropFirst(2)
    return String(rest.prefix { $0 != ":" })
  }
}
