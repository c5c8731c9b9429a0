//! E-mail, against a mail server of the test's own.

use std::sync::{Arc, Mutex};

use leptos_realtime::{Smtp, SmtpConfig};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::support::{Note, builder, config, id, limits, until};
use crate::common::host::{Host, SqliteHost};

/// Messages, each with whom it is for.
type Mails = Arc<Mutex<Vec<(String, String)>>>;

/// A mail server that knows nobody called `nobody`, and is busy at the first try for `busy`.
async fn mail_server() -> (u16, Mails) {
    let mails = Mails::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (taken, tries) = (mails.clone(), Arc::new(Mutex::new(0)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, taken.clone(), tries.clone()));
        }
    });
    (port, mails)
}

async fn talk(stream: TcpStream, mails: Mails, tries: Arc<Mutex<u32>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail.example\r\n").await?;
    let (mut to, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer = match line.split([' ', ':', '\r']).next().unwrap() {
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap().to_owned();
                match to.split('@').next().unwrap() {
                    "nobody" => "550 5.1.1 no such user",
                    "busy" => {
                        let mut tries = tries.lock().unwrap();
                        *tries += 1;
                        if *tries == 1 {
                            "451 4.7.1 greylisted"
                        } else {
                            "250 OK"
                        }
                    }
                    _ => "250 OK",
                }
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut mail).await? == 0 {
                        return Ok(());
                    }
                }
                mails.lock().unwrap().push((to.clone(), mail));
                "250 OK"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "250 OK",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

#[tokio::test]
async fn a_notification_is_sent_by_email() {
    let host = SqliteHost::new().await;
    let (port, mails) = mail_server().await;
    let url = format!("smtp://127.0.0.1:{port}");
    let mut smtp = SmtpConfig::new(url, "The forum <no-reply@forum.example>").unwrap();
    smtp.limits = limits();
    let node = builder(config()).channel(Smtp::new(smtp).unwrap());
    let node = node.database(host.database().await).start().await.unwrap();
    for (user, address) in [
        ("ada", "Ada <ada@home.example>"),
        ("bob", "nobody@home.example"),
        ("cyd", "busy@home.example"),
        ("dan", "not an address"),
    ] {
        node.link_channel(id(user), "email", address).await.unwrap();
        node.notify([id(user)], &Note { n: 7 }).await.unwrap();
    }
    let pending = "select count(*) from realtime_delivery where done is null";
    until("nothing waits", async || host.number(pending).await == 0).await;
    let mut got = mails.lock().unwrap().clone();
    got.sort();
    let to: Vec<_> = got.iter().map(|(to, _)| &**to).collect();
    assert_eq!(to, ["ada@home.example", "busy@home.example"]);
    for part in [
        "From: \"The forum\" <no-reply@forum.example>\r\n",
        "Subject: 7\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "https://forum.example/n/7",
    ] {
        assert!(got[0].1.contains(part), "{part} in {}", got[0].1);
    }
    for (user, said) in [("bob", "no such user"), ("dan", "no e-mail address")] {
        let linked = node.linked_channels(id(user)).await.unwrap();
        let problem = linked[0].problem.as_ref().unwrap();
        assert!(problem.contains(said), "{problem}");
    }
    node.shutdown().await;
}
