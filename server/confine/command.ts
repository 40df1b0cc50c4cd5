/** How a GPU worker's process is started. */
export type WorkerCommand = {
  /** Absolute. */
  readonly program: string;
  readonly args: readonly string[];
  /** All of its environment, save the sockets' names and nonces: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /** The process is bubblewrap's, and the worker's is its grandchild. Absent: the process is the worker's. */
  readonly isWrapped?: boolean;
};

/** A GPU worker that is to be started, and all that it may see of the host. */
export type WorkerProgram = {
  /** Absolute path of the file that Node runs. */
  readonly main: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Device files of a GPU, or none where the GPU is software. */
  readonly usesDevices: boolean;
  /**
   * Folder in which Node finds the worker's code compiled (Node, module.enableCompileCache). Who writes there chooses what
   * other workers run: it is given to one that bubblewrap keeps from it, and to no other. Absent: Node compiles anew.
   */
  readonly compileCache?: string | undefined;
  /** Bytes of the host's memory that it may take; a HostWatch holds it to them. Absent: as many as it likes. */
  readonly maxHostMemory?: number;
  /** Unix sockets that it dials. They exist already. */
  readonly sockets: readonly string[];
  /** Files and folders that stay hidden even where a folder that it sees has them. */
  readonly secrets: readonly string[];
};
