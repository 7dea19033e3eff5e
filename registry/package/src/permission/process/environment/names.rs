//! Names of variables that decide what a program runs, loads or writes.
//!
//! No such list is ever whole: a program that reads another variable so must be granted with that in mind. The
//! names here are those that common programs are known to read.

/// Variables of the loader, of the C library and of shells, and those that the host sets itself.
const REFUSED: &[&str] = &[
    "BASHOPTS",
    "BASH_ENV",
    "CDPATH",
    "ENV",
    "FPATH",
    "GCONV_PATH",
    "GETCONF_DIR",
    "GLOBIGNORE",
    "HOME",
    "HOSTALIASES",
    "IFS",
    "LOCALDOMAIN",
    "LOCPATH",
    "NIS_PATH",
    "NLSPATH",
    "OLDPWD",
    "PATH",
    "PROMPT_COMMAND",
    "PS4",
    "PWD",
    "RESOLV_HOST_CONF",
    "RES_OPTIONS",
    "SHELLOPTS",
    "TMPDIR",
    "TZDIR",
    "ZDOTDIR",
];

/// The beginnings of such names.
const REFUSED_BEGINNINGS: &[&str] = &["BASH_FUNC_", "DYLD_", "GLIBC_", "LD_", "MALLOC_"];

/// Variables by which some program is told what to run, to load, to write or to trust.
const FIXED: &[&str] = &[
    "AR",
    "AS",
    "AWKLIBPATH",
    "AWKPATH",
    "BROWSER",
    "BZIP",
    "BZIP2",
    "CC",
    "CFLAGS",
    "CLASSPATH",
    "COMPILER_PATH",
    "CPATH",
    "CPP",
    "CPPFLAGS",
    "CVS_RSH",
    "CXX",
    "CXXFLAGS",
    "EDITOR",
    "EXINIT",
    "FC",
    "FCEDIT",
    "FFLAGS",
    "GCC_EXEC_PREFIX",
    "GNUMAKEFLAGS",
    "GNUPGHOME",
    "GREP_OPTIONS",
    "GZIP",
    "INPUTRC",
    "KUBECONFIG",
    "LD",
    "LDFLAGS",
    "LIBRARY_PATH",
    "MAGIC",
    "MAKEFILES",
    "MAKEFLAGS",
    "MANPAGER",
    "MANROFFOPT",
    "MFLAGS",
    "NETRC",
    "PAGER",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "RIPGREP_CONFIG_PATH",
    "RSH",
    "SBT_OPTS",
    "SHELL",
    "TAPE",
    "TAR_OPTIONS",
    "TERMCAP",
    "UNZIP",
    "UNZIPOPT",
    "VIMINIT",
    "VIRTUAL_ENV",
    "VISUAL",
    "WGETRC",
    "XZ_DEFAULTS",
    "XZ_OPT",
    "ZIP",
    "ZIPOPT",
    "_JAVA_OPTIONS",
];

/// The beginnings of such names.
const FIXED_BEGINNINGS: &[&str] = &[
    "ANSIBLE_",
    "ANT_",
    "AWS_",
    "BAT_",
    "BUN_",
    "BUNDLE_",
    "CARGO",
    "CGO_",
    "CLANG_",
    "CMAKE_",
    "CONDA_",
    "CURL_",
    "DEBUGINFOD_",
    "DENO_",
    "DOCKER_",
    "DOTNET_",
    "ELIXIR_",
    "EMACS",
    "ERL_",
    "FZF_",
    "GDB",
    "GEM_",
    "GHC",
    "GH_",
    "GIO_",
    "GIT_",
    "GO",
    "GPG_",
    "GRADLE_",
    "GST_",
    "GTK_",
    "HG",
    "JAVA_",
    "JDK_",
    "JULIA_",
    "LESS",
    "LUA_",
    "MAVEN_",
    "MIX_",
    "MORE",
    "NINJA",
    "NODE_",
    "NPM_",
    "NVIM_",
    "OCAML",
    "OPENSSL_",
    "PERL",
    "PIP_",
    "PKG_CONFIG",
    "PYTHON",
    "QT_",
    "REQUESTS_CA",
    "RSYNC_",
    "RUBY",
    "RUST",
    "R_",
    "SSH_",
    "SSL_CERT_",
    "STACK_",
    "SUDO_",
    "SVN_",
    "TERMINFO",
    "UV_",
    "VALGRIND_",
    "VIM",
    "XDG_",
    "YARN_",
    "npm_",
];

/// What begins like that and is only told.
const OPEN_BEGINNINGS: &[&str] = &["GIT_AUTHOR_", "GIT_COMMITTER_"];

/// Names that begin like that and are only told.
const OPEN: &[&str] = &["GIT_OPTIONAL_LOCKS", "GIT_TERMINAL_PROMPT"];

/// Whether a program is never given the variable.
pub(super) fn is_refused(name: &str) -> bool {
    REFUSED.contains(&name) || begins(name, REFUSED_BEGINNINGS)
}

/// Whether the variable may have one fixed value only.
pub(super) fn is_fixed(name: &str) -> bool {
    let open = OPEN.contains(&name) || begins(name, OPEN_BEGINNINGS);
    !open && (FIXED.contains(&name) || begins(name, FIXED_BEGINNINGS))
}

fn begins(name: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| name.starts_with(beginning))
}
