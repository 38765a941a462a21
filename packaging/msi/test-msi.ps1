# Tests the Windows package on real Windows, as an administrator: the checks of test-msi.sh, plus what Wine does not
# support: file permissions, the firewall and the service account.
#   test-msi.ps1 OLD.msi NEW.msi
param([Parameter(Mandatory)] [string] $Old, [Parameter(Mandatory)] [string] $New)
$ErrorActionPreference = 'Stop'

$folder = "$env:ProgramData\dinkem-appliance"
$program = "$env:ProgramFiles\Dinkem Appliance\dinkem-appliance.exe"
$account = 'NT SERVICE\DinkemAppliance'
$script:passed = 0
$script:failed = 0

# Passes if the block ends without an error and its last value is true.
function Ok([string] $name, [scriptblock] $block) {
    try {
        $answers = @(& $block)
        if ($answers.Count -eq 0 -or -not $answers[-1]) { throw "returned: $answers" }
        Write-Output "ok $name"
        $script:passed++
    } catch {
        Write-Output "NOT OK $name`n    $_"
        if (Test-Path "$folder\logs\server.log") { Get-Content -Tail 10 "$folder\logs\server.log" }
        $script:failed++
    }
}
function Msi([string] $what, [string] $package) {
    (Start-Process msiexec -Wait -PassThru -ArgumentList $what, "`"$package`"", '/qn', '/norestart').ExitCode
}
function Run { & $program @args; if ($LASTEXITCODE -ne 0) { throw "$args exited with $LASTEXITCODE" } }
function Healthy { (curl.exe -s --cacert ca.pem --retry 20 --retry-connrefused https://127.0.0.1/healthz) -match 'ok' }
function Rights([string] $path) { (Get-Acl $path).Access | ForEach-Object { "$($_.IdentityReference)" } | Sort-Object -Unique }
function Firewall { netsh advfirewall firewall show rule name="Dinkem Appliance" | Out-Null; $LASTEXITCODE -eq 0 }

Ok 'it installs' { (Msi '/i' $Old) -eq 0 }
Ok 'the service runs under its own account' {
    $service = Get-CimInstance Win32_Service -Filter "Name='DinkemAppliance'"
    $service.State -eq 'Running' -and $service.StartName -eq $account -and $service.StartMode -eq 'Auto'
}
Ok 'only the system, administrators and the service can access data and logs' {
    foreach ($path in "$folder\data", "$folder\logs") {
        $acl = Get-Acl $path
        if (-not $acl.AreAccessRulesProtected) { throw "$path inherits permissions" }
        $who = (Rights $path) -join ', '
        if ($who -ne "BUILTIN\Administrators, NT AUTHORITY\SYSTEM, $account") { throw "${path}: $who" }
    }
    $true
}
Ok 'the service can read its configuration but not change it' {
    $own = (Get-Acl "$folder\config.toml").Access | Where-Object { "$($_.IdentityReference)" -eq $account }
    "$($own.FileSystemRights)" -match 'Read' -and "$($own.FileSystemRights)" -notmatch 'Write|Modify|FullControl'
}
Ok 'the firewall lets clients in' { Firewall }
Ok 'the program is in the PATH' {
    [Environment]::GetEnvironmentVariable('Path', 'Machine') -like '*Dinkem Appliance*'
}
Ok 'the CA certificate can be exported' { Run admin tls export -o ca.pem; Test-Path ca.pem }
Ok 'HTTPS answers on 443' { Healthy }
Ok 'admin dashboard prints a link' { (Run admin dashboard) -match '^https://localhost:8444/operator/#code=[0-9a-f]{32}$' }
Ok 'the dashboard answers on 127.0.0.1:8444' {
    "$(curl.exe -s --cacert ca.pem https://localhost:8444/operator/)" -match '/operator/app\.js'
}
Ok 'an account is created and activated' {
    $script:made = Run --json admin account create 'Studio One' | ConvertFrom-Json
    Run admin activate
    $true
}
Ok 'a local node renders a clip of the sample' {
    Run sample -o sample.dem
    $env:DINKEM_API_KEY = $made.metered_key
    Run submit sample.dem --player 76561202200000008 --round 2 --server https://127.0.0.1 --ca ca.pem --wait -o clip.mp4
    (Get-Item clip.mp4).Length -gt 100000
}
Ok 'the service stops' { net stop DinkemAppliance; (Get-Service DinkemAppliance).Status -eq 'Stopped' }
Ok 'the log records the stop' { (Get-Content "$folder\logs\server.log" -Raw) -match 'Stopped\.' }
Ok 'an error in config.toml makes the start fail and is logged' {
    $kept = Get-Content "$folder\config.toml" -Raw
    Add-Content "$folder\config.toml" 'lisen = "0.0.0.0:1"'
    net start DinkemAppliance 2>&1 | Out-Null
    $answer = $LASTEXITCODE
    Set-Content "$folder\config.toml" $kept -NoNewline
    $answer -ne 0 -and (Get-Content "$folder\logs\server.log" -Raw) -match 'config\.toml, line \d+: unknown key "lisen" in \[serve\]'
}
Ok 'it starts again' { net start DinkemAppliance; Healthy }
Add-Content "$folder\config.toml" '# edited by the operator'
Ok 'it upgrades in place, and answers' { (Msi '/i' $New) -eq 0 -and (Healthy) }
Ok 'the edited config.toml is kept' { (Get-Content "$folder\config.toml" -Raw) -match '# edited by the operator' }
Ok 'a downgrade is refused' { (Msi '/i' $Old) -ne 0 -and (Healthy) }
Ok 'it uninstalls' { (Msi '/x' $New) -eq 0 }
Ok 'program, service and firewall rule are gone' {
    -not (Test-Path $program) -and -not (Get-Service DinkemAppliance -ErrorAction SilentlyContinue) -and -not (Firewall)
}
Ok 'data and configuration are kept' { (Test-Path "$folder\data\store.db") -and (Test-Path "$folder\config.toml") }

Write-Output "$passed passed, $failed failed"
exit [int]($failed -gt 0)
