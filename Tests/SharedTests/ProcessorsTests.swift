import Shared
import Testing

@Suite struct ProcessorsTests {
  private func count(_ files: [String: String], online: Int = 64) -> Int {
    Processors.count(online: online) { files[$0] }
  }

  private static let unified =
    "36 25 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
  private static let legacy = """
    31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
    32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
    34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset

    """

  @Test func aMachineThatSaysNothingIsUsedWhole() {
    #expect(count([:]) == 64)
    #expect(count([:], online: 0) == 1)
    #expect(count(["/proc/self/status": "Cpus_allowed_list:\tall\n"]) == 64)
  }

  @Test(arguments: [("0-1", 2), ("5", 1), ("0-3,8,10-11", 7), ("0-63", 64), ("0-127", 64)])
  func affinityLimits(_ list: String, _ expected: Int) {
    let status = "Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t\(list)\nMems_allowed_list:\t0\n"
    #expect(count(["/proc/self/status": status]) == expected)
  }

  @Test(arguments: [
    ("max 100000", 64), ("200000 100000", 2), ("150000 100000", 2), ("10000 100000", 1),
    ("nonsense", 64), ("0 100000", 64), ("100000", 64),
  ])
  func aGroupOfVersionTwoLimits(_ text: String, _ expected: Int) {
    let files = [
      "/proc/self/mountinfo": Self.unified, "/proc/self/cgroup": "0::/jobs/7\n",
      "/sys/fs/cgroup/jobs/7/cpu.max": text + "\n",
    ]
    #expect(count(files) == expected)
  }

  @Test func theNarrowestOfAllGroupsCounts() {
    let files = [
      "/proc/self/mountinfo": Self.unified, "/proc/self/cgroup": "0::/jobs/7/step\n",
      "/sys/fs/cgroup/cpu.max": "3200000 100000\n",
      "/sys/fs/cgroup/jobs/7/cpu.max": "400000 100000\n",
      "/sys/fs/cgroup/jobs/7/step/cpu.max": "max 100000\n",
      "/sys/fs/cgroup/other/cpu.max": "100000 100000\n",
    ]
    #expect(count(files) == 4)
    let status = ["/proc/self/status": "Cpus_allowed_list:\t0-2\n"]
    #expect(count(files.merging(status) { $1 }) == 3)
  }

  @Test func aGroupOfVersionOneLimits() {
    let group = "/sys/fs/cgroup/cpu,cpuacct/slurm/job_9"
    var files = [
      "/proc/self/mountinfo": Self.legacy,
      "/proc/self/cgroup": "7:cpuset:/elsewhere\n4:cpu,cpuacct:/slurm/job_9\n0::/unified\n",
      group + "/cpu.cfs_quota_us": "600000\n", group + "/cpu.cfs_period_us": "100000\n",
    ]
    #expect(count(files) == 6)
    files[group + "/cpu.cfs_quota_us"] = "-1\n"
    #expect(count(files) == 64)
  }

  @Test func aContainerThatSeesItsGroupAsTheRootIsLimited() {
    let mount = "36 25 0:30 /docker/ab12 /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
    let limit = ["/sys/fs/cgroup/cpu.max": "100000 100000\n"]
    for group in ["0::/docker/ab12\n", "0::/\n", "0::/../elsewhere\n", ""] {
      let files = ["/proc/self/mountinfo": mount, "/proc/self/cgroup": group]
      #expect(count(files.merging(limit) { $1 }) == 1)
    }
  }
}
