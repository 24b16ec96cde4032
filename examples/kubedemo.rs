#[tokio::main]
async fn main() {
    let dir = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let demo = jumpgate::demo::kube::KubeDemo::start(&dir).await.unwrap();
    demo.write_gate_kubeconfig(&dir.join("gate.kubeconfig")).unwrap();
    demo.write_control(&dir.join("control.json")).unwrap();
    std::fs::write(dir.join("ready"), demo.url()).unwrap();
    tokio::signal::ctrl_c().await.unwrap();
    demo.shutdown().await;
}
