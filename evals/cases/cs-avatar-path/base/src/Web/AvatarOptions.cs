namespace Web;

public sealed class AvatarOptions
{
    public string Folder { get; set; } = "/var/lib/app/avatars";
}
