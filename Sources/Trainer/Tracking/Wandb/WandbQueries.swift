// The questions that are asked of a W&B server, in GraphQL. Names of fields are the server's.

enum WandbQueries {
  static let viewer = "query Viewer { viewer { id entity username } }"

  static let resumeStatus = """
    query RunResumeStatus($project: String, $entity: String, $name: String!) {
      model(name: $project, entityName: $entity) {
        id name entity { id name }
        bucket(name: $name, missingOk: true) {
          id name logLineCount historyLineCount eventsLineCount historyTail
        }
      }
    }
    """

  static let upsertRun = """
    mutation UpsertBucket($name: String, $project: String, $entity: String, $groupName: String,
        $displayName: String, $notes: String, $config: JSONString, $host: String, $program: String,
        $tags: [String!], $summaryMetrics: JSONString) {
      upsertBucket(input: {name: $name, groupName: $groupName, modelName: $project,
          entityName: $entity, displayName: $displayName, notes: $notes, config: $config,
          host: $host, jobProgram: $program, tags: $tags, summaryMetrics: $summaryMetrics}) {
        bucket { id name displayName project { id name entity { id name } } historyLineCount }
        inserted
      }
    }
    """

  static let runFiles = """
    mutation CreateRunFiles($entity: String!, $project: String!, $run: String!, $files: [String!]!) {
      createRunFiles(input: {entityName: $entity, projectName: $project, runName: $run,
          files: $files}) {
        runID uploadHeaders files { name uploadUrl }
      }
    }
    """

  static let createArtifact = """
    mutation CreateArtifact($input: CreateArtifactInput!) {
      createArtifact(input: $input) {
        artifact { id state artifactSequence { id latestArtifact { id } } }
      }
    }
    """

  static let createManifest = """
    mutation CreateArtifactManifest($artifactID: ID!, $baseArtifactID: ID, $name: String!,
        $digest: String!, $entityName: String!, $projectName: String!, $runName: String!,
        $manifestType: ArtifactManifestType!, $includeUpload: Boolean!) {
      createArtifactManifest(input: {artifactID: $artifactID, baseArtifactID: $baseArtifactID,
          name: $name, digest: $digest, entityName: $entityName, projectName: $projectName,
          runName: $runName, type: $manifestType}) {
        artifactManifest {
          id
          file {
            id
            uploadUrl @include(if: $includeUpload)
            uploadHeaders @include(if: $includeUpload)
          }
        }
      }
    }
    """

  static let createArtifactFiles = """
    mutation CreateArtifactFiles($input: CreateArtifactFilesInput!) {
      createArtifactFiles(input: $input) {
        files { edges { node { storagePath uploadUrl uploadHeaders artifact { id } } } }
      }
    }
    """

  static let commitArtifact = """
    mutation CommitArtifact($artifactID: ID!) {
      commitArtifact(input: {artifactID: $artifactID}) { artifact { id digest } }
    }
    """
}
