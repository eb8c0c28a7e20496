#pragma once

#include <mlp/base/abi.hpp>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

namespace mlp::inline MLP_ABI::detail {

// Names that a namespace cannot have, or that would clash with another header's. Of macros, these are only
// the ones that a compiler or C's library defines: the exported header itself checks for all others.
inline constexpr std::string_view taken_names[] = {
    // Keywords of C++ and C, of GNU and MSVC, and what begins a line of a module.
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t "
    "char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr "
    "constinit continue decltype default delete do double dynamic_cast else enum explicit export extern "
    "false float for friend goto if import inline int long module mutable namespace new noexcept not "
    "not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires "
    "restrict return short signed sizeof static static_assert static_cast struct switch template this "
    "thread_local throw true try typedef typeid typename typeof typeof_unqual union unsigned using "
    "virtual void volatile wchar_t while xor xor_eq",
    // Names with a meaning without any header, and GNU's macros for systems and processors.
    "main posix linux unix i386 sun sparc mips hpux sgi arm vax m68k mc68000",
    // The macros and types of C's library.
    "assert errno offsetof setjmp va_arg va_copy va_end va_list va_start stdin stdout stderr complex "
    "imaginary noreturn thread_local math_errhandling fpclassify isfinite isinf isnan isnormal signbit "
    "isgreater isless isgreaterequal islessequal islessgreater isunordered I NULL EOF EDOM EILSEQ ERANGE "
    "NAN INFINITY HUGE_VAL BUFSIZ FILE RAND_MAX CHAR_BIT INT_MIN INT_MAX div_t ldiv_t lldiv_t imaxdiv_t "
    "double_t float_t fenv_t fexcept_t fpos_t jmp_buf lconv max_align_t mbstate_t nullptr_t ptrdiff_t "
    "sig_atomic_t size_t ssize_t time_t clock_t timespec tm wctrans_t wctype_t wint_t int8_t int16_t "
    "int32_t int64_t uint8_t uint16_t uint32_t uint64_t intmax_t uintmax_t intptr_t uintptr_t int_fast8_t "
    "int_fast16_t int_fast32_t int_fast64_t uint_fast8_t uint_fast16_t uint_fast32_t uint_fast64_t "
    "int_least8_t int_least16_t int_least32_t int_least64_t uint_least8_t uint_least16_t uint_least32_t "
    "uint_least64_t",
    // The functions of C's library, by header: stdlib, string, ctype, stdio, time and others.
    "abort abs aligned_alloc at_quick_exit atexit atof atoi atol atoll bsearch calloc div exit free "
    "getenv labs ldiv llabs lldiv malloc mblen mbstowcs mbtowc qsort quick_exit rand realloc srand strtod "
    "strtof strtol strtold strtoll strtoul strtoull system wcstombs wctomb",
    "memchr memcmp memcpy memmove memset strcat strchr strcmp strcoll strcpy strcspn strerror strlen "
    "strncat strncmp strncpy strpbrk strrchr strspn strstr strtok strxfrm",
    "isalnum isalpha isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper isxdigit "
    "tolower toupper",
    "clearerr fclose feof ferror fflush fgetc fgetpos fgets fopen fprintf fputc fputs fread freopen "
    "fscanf fseek fsetpos ftell fwrite getc getchar gets perror printf putc putchar puts remove rename "
    "rewind scanf setbuf setvbuf snprintf sprintf sscanf tmpfile tmpnam ungetc vfprintf vfscanf vprintf "
    "vscanf vsnprintf vsprintf vsscanf",
    "asctime clock ctime difftime gmtime localtime mktime strftime time timespec_get localeconv setlocale "
    "longjmp raise signal imaxabs imaxdiv strtoimax strtoumax wcstoimax wcstoumax feclearexcept fegetenv "
    "fegetexceptflag fegetround feholdexcept feraiseexcept fesetenv fesetexceptflag fesetround "
    "fetestexcept feupdateenv c16rtomb c32rtomb mbrtoc16 mbrtoc32",
    "btowc fgetwc fgetws fputwc fputws fwide fwprintf fwscanf getwc getwchar iswalnum iswalpha iswblank "
    "iswcntrl iswctype iswdigit iswgraph iswlower iswprint iswpunct iswspace iswupper iswxdigit mbrlen "
    "mbrtowc mbsinit mbsrtowcs putwc putwchar swprintf swscanf towctrans towlower towupper ungetwc "
    "vfwprintf vfwscanf vswprintf vswscanf vwprintf vwscanf wcrtomb wcscat wcschr wcscmp wcscoll wcscpy "
    "wcscspn wcsftime wcslen wcsncat wcsncmp wcsncpy wcspbrk wcsrchr wcsrtombs wcsspn wcsstr wcstod "
    "wcstof wcstok wcstol wcstold wcstoll wcstoul wcstoull wcsxfrm wctob wctrans wctype wmemchr wmemcmp "
    "wmemcpy wmemmove wmemset wprintf wscanf",
    // Names that POSIX, or GNU by default, adds to these headers, and those of unistd.
    "a64l alloca arc4random drand48 erand48 getloadavg getsubopt grantpt initstate jrand48 l64a lcong48 "
    "lrand48 mkdtemp mkstemp mktemp mrand48 nrand48 posix_memalign ptsname putenv rand_r random realpath "
    "reallocarray seed48 setenv setstate srand48 srandom unlockpt unsetenv",
    "basename bcmp bcopy bzero ffs index memccpy memmem mempcpy memrchr rindex stpcpy stpncpy strcasecmp "
    "strcasestr strchrnul strdup strndup strncasecmp strnlen strsep strsignal strtok_r strverscmp swab",
    "kill killpg psignal sigaction sigaddset sigaltstack sigdelset sigemptyset sigevent sigfillset "
    "siginfo_t siginterrupt sigismember sigpause sigpending sigprocmask sigqueue sigset_t sigstack "
    "sigsuspend sigval sigwait clock_getres clock_gettime clock_nanosleep clock_settime clockid_t "
    "daylight getdate gmtime_r localtime_r nanosleep strptime timegm timelocal timer_create timer_delete "
    "timer_settime timezone tzname tzset stime dysize",
    "ctermid dprintf fdopen fileno flockfile fmemopen fseeko ftello ftrylockfile funlockfile getdelim "
    "getline getw open_memstream pclose popen putw renameat setbuffer setlinebuf tempnam vdprintf",
    "access acct alarm brk chdir chown chroot close confstr crypt daemon dup dup2 dup3 encrypt "
    "endusershell environ execl execle execlp execv execve execvp faccessat fchdir fchown fdatasync "
    "fexecve fork fpathconf fsync ftruncate getcwd getdomainname getegid geteuid getgid getgroups "
    "gethostid gethostname getlogin getopt getpagesize getpass getpgid getpgrp getpid getppid getsid "
    "getuid getwd gid_t isatty lchown link linkat lockf lseek nice off_t optarg opterr optind optopt "
    "pathconf pause pid_t pipe pipe2 pread profil pwrite read readlink revoke rmdir sbrk setegid seteuid "
    "setgid sethostname setlogin setpgid setpgrp setregid setreuid setsid setuid sleep socklen_t symlink "
    "sync syncfs syscall sysconf tcgetpgrp tcsetpgrp truncate ttyname ttyslot ualarm uid_t unlink usleep "
    "useconds_t vfork vhangup write select pselect obstack on_exit random_data ecvt fcvt gcvt valloc "
    "isascii toascii iszero uint ulong ushort timeval timer_t dev_t ino_t id_t key_t mode_t"};

// Functions of C's math header; each also exists with the suffixes f and l, for float and long double.
inline constexpr std::string_view taken_functions =
    "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh drem erf erfc exp exp10 exp2 "
    "expm1 fabs fdim finite floor fma fmax fmin fmod frexp gamma hypot ilogb isinf isnan j0 j1 jn ldexp "
    "lgamma llrint llround log log10 log1p log2 logb lrint lround modf nan nearbyint nextafter nexttoward "
    "pow pow10 remainder remquo rint round scalb scalbln scalbn significand sin sincos sinh sqrt tan tanh "
    "tgamma trunc y0 y1 yn canonicalize fadd fdiv ffma fmul fsqrt fsub fromfp llogb nextdown nextup "
    "roundeven";

/// Whether the namespace of an exported header cannot have this name. Requires a name that is not empty.
inline bool is_taken(std::string_view name) {
  const auto is_word_of = [](std::string_view words, std::string_view word) {
    return (" " + std::string(words) + " ").find(" " + std::string(word) + " ") != std::string::npos;
  };
  const auto has_name = [&](std::string_view words) { return is_word_of(words, name); };
  if (std::any_of(std::begin(taken_names), std::end(taken_names), has_name)) return true;
  if (has_name(taken_functions)) return true;
  const std::string_view shorter = name.substr(0, name.size() - 1);
  if ((name.back() == 'f' || name.back() == 'l') && is_word_of(taken_functions, shorter)) return true;
  // The standard reserves std, std1, std2, ...
  return name.substr(0, 3) == "std" &&
         std::all_of(name.begin() + 3, name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace mlp::inline MLP_ABI::detail
