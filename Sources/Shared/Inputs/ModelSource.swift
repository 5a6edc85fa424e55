// Where a model that is named, and is no folder, comes from. Comes in: settings. Leaves: a repository and one of
// its revisions.

/// A model on the Hugging Face Hub.
package struct ModelSource: Sendable, Equatable {
  /// As `owner/name`, or a name alone where the repository has no owner.
  package let repository: String
  /// A branch, tag or commit.
  package let revision: String

  package init(_ settings: CacheSettings) throws(ModelNameError) {
    repository = try ModelNames.repository(settings.modelName)
    revision = settings.modelRevision ?? PretrainedOptions.usualRevision
  }
}
