@echo off
setlocal
for %%p in ("py -3.13" "py -3.12" "py -3.11" "python" "python3") do (
    %%~p "%~dp0start.py" --fits >nul 2>nul && (
        %%~p "%~dp0start.py" %*
        goto end
    )
)
chcp 65001 >nul
type "%~dp0no-python.txt"
:end
pause
