import Shared
import Testing

@Suite struct MemoryTests {
  private func limit(_ files: [String: String]) -> Int? { Memory.groupLimit { files[$0] } }

  @Test func thisProcessMayUseNoMoreThanTheMachineHas() {
    #expect(Memory.byteCount > 1 << 20)
    #expect(Memory.byteCount <= System.memoryByteCount)
  }

  @Test func theLowestLimitOfAllGroupsAboveCounts() {
    let groups = "0::/jobs/7\n"
    #expect(
      limit([
        "/proc/self/cgroup": groups, "/sys/fs/cgroup/jobs/7/memory.max": "9000\n",
        "/sys/fs/cgroup/jobs/memory.max": "8000\n",
      ]) == 8000)
    #expect(
      limit([
        "/proc/self/cgroup": groups, "/sys/fs/cgroup/jobs/7/memory.max": "max\n",
      ]) == nil)
  }

  @Test func controllersOfTheFirstVersionCountToo() {
    let groups = "4:memory:/jobs/7\n3:cpu,cpuacct:/jobs/7\n0::/\n"
    #expect(
      limit([
        "/proc/self/cgroup": groups, "/sys/fs/cgroup/memory/jobs/7/memory.limit_in_bytes": "7000\n",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      ]) == 7000)
  }

  @Test func inAContainerTheRootIsTheGroup() {
    #expect(
      limit([
        "/proc/self/cgroup": "4:memory:/docker/1f\n",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": "6000\n",
      ]) == 6000)
    #expect(limit([:]) == nil)
  }
}
